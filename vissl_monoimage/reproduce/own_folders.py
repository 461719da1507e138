"""Labelled folders of the user's own: another probe of a benchmark for each, by the name that `--data` gives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from omegaconf import OmegaConf

from vissl_monoimage.config.compose import compose_config, vissl_defaults
from vissl_monoimage.config.validate import problems_of
from vissl_monoimage.data.labelled_folder import SPLITS
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.reproduce.cell import DATA_SETS
from vissl_monoimage.reproduce.datasets import Inputs, folder_overrides
from vissl_monoimage.reproduce.grid import Grid, Probe

PROBE = Probe("benchmark/monoimage/linear_folder", minutes=3)


def add_own_probes(grid: Grid, names: Iterable[str]) -> Grid:
    """Return the benchmark with a probe on each data set of `names` that is neither published nor in the benchmark."""
    own = [name for name in names if name not in DATA_SETS and name not in grid.data_sets]
    added = {name: dataclasses.replace(PROBE, data=name) for name in own if name not in grid.probes}
    return dataclasses.replace(grid, probes={**grid.probes, **added})


def check_own_folders(grid: Grid, inputs: Inputs) -> None:
    """Refuse folders that a probe of the benchmark would refuse, before anything is trained for it.

    Raises:
        MonoImageError: a sentence for each problem.
    """
    problems = []
    for probe in grid.probes.values():
        if probe.data and probe.data not in DATA_SETS:
            read = [word for split in SPLITS for word in folder_overrides(split, probe.data, inputs, labels=True)]
            words = [f"config={probe.config}", *probe.overrides, *read, f"config.CHECKPOINT.DIR={inputs.out}"]
            composed: Any = OmegaConf.to_container(compose_config(words), resolve=True)
            given = f"--data {probe.data}={inputs.data[probe.data]}"
            problems += [f"{given}: {problem}" for problem in problems_of(composed, vissl_defaults())]
    if problems:
        raise MonoImageError("\n".join(problems))
