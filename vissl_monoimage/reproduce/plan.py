"""From a benchmark to its runs: each pretraining once, however many cells need it, and the probes of its checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.reproduce.cell import Cell
from vissl_monoimage.reproduce.cell_runs import init_run, pretrain_run, probe_run
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.grid import Grid, Profile
from vissl_monoimage.reproduce.run import Chain

TRANSFER_DATA = "+config.MONOIMAGE.TRANSFER_DATA="


def plan(grid: Grid, profile: str, inputs: Inputs, seeds: Iterable[int] = ()) -> list[Chain]:
    """Return all chains of a benchmark: those of the first seed first, in the order of the cells.

    Args:
        grid: the benchmark.
        profile: the name of one of its profiles.
        inputs: what this machine has.
        seeds: used instead of the profile's, if there are any.

    Raises:
        MonoImageError: an unknown profile, or a data set whose folder is unknown or has no images.
    """
    if profile not in grid.profiles:
        raise MonoImageError(f"benchmark {grid.name}: {unknown('profile', profile, grid.profiles)}")
    chosen = grid.profiles[profile]
    chains: dict[tuple[Path, ...], Chain] = {}
    given = list(seeds)
    for place, seed in enumerate(given or chosen.seeds):
        for name, cell in grid.cells.items():
            if cell.seeds and place >= cell.seeds and not given:
                continue
            chain = _chain(grid, name, seed, chosen, inputs)
            origin = [chain.pretrain] if chain.pretrain else chain.probes
            key = tuple(run.folder for run in origin)
            chains[key] = chains[key].with_probes(chain.probes) if key in chains else chain
    return list(chains.values())


def _chain(grid: Grid, name: str, seed: int, profile: Profile, inputs: Inputs) -> Chain:
    cell = grid.cells[name]
    title, pretrain = f"{name}, seed {seed}", None
    if cell.source or cell.init:
        pretrain = (init_run if cell.init else pretrain_run)(cell, title, seed, profile, inputs)
        if not cell.init:
            pretrain = dataclasses.replace(pretrain, extra=(*pretrain.extra, *_transfer_data(grid, cell, inputs)))
    origin = pretrain.folder.name if pretrain else f"{cell.zoo or cell.trunk or 'random'}_{seed}"
    probes = (
        probe_run(grid.probes[key], cell, f"{title}, probed on {key}", f"{key}_of_{origin}", seed, profile, inputs)
        for key in cell.select_probes(grid.probes)
    )
    return Chain(pretrain, tuple(probes))


def _transfer_data(grid: Grid, cell: Cell, inputs: Inputs) -> Iterator[str]:
    """Yield the override that names the data set of the cell's first probe, to measure the pretext task on."""
    data = next((grid.probes[name].data for name in cell.select_probes(grid.probes) if grid.probes[name].data), "")
    if data in inputs.data:
        yield f"{TRANSFER_DATA}{quoted(f'{data}={inputs.data[data]}')}"
