"""A benchmark's YAML: what is trained, on what, probed on what, with which seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from vissl_monoimage.config.schema import LARGEST_SEED, read_block
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.reproduce.cell import DATA_SETS, Cell, negative
from vissl_monoimage.utils.paths import benchmarks

Item = TypeVar("Item")


@dataclass(frozen=True)
class Probe:
    """Where every cell of a benchmark is probed. minutes: of one core."""

    config: str
    data: str = ""
    minutes: float = 0.0
    megabytes: float = 20.0
    overrides: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """A data set we cannot find in a folder, costs below nothing."""
        known = not self.data or self.data in DATA_SETS
        unheard = [] if known else [f"data: {unknown('data set', self.data, DATA_SETS)}"]
        return unheard + negative(self.minutes, self.megabytes)


@dataclass(frozen=True)
class Profile:
    """Seeds, and overrides of all pretrainings and of all probes.

    bfloat16: pretrain in it where the CPU of the machine that plans has instructions for it, else in float32. The
    minutes of cells are then those of a CPU that has them.
    """

    seeds: list[int]
    bfloat16: bool = False
    overrides: list[str] = field(default_factory=list)
    probe_overrides: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Seeds are whole numbers, one at least."""
        if self.seeds and all(0 <= seed <= LARGEST_SEED for seed in self.seeds):
            return []
        return [f"seeds={self.seeds} must be whole numbers from 0 to {LARGEST_SEED}, such as [0, 1, 2]"]


@dataclass(frozen=True)
class Grid:
    """A benchmark. beside: benchmarks whose committed rows are shown in its report too."""

    name: str
    title: str
    probes: dict[str, Probe]
    cells: dict[str, Cell]
    profiles: dict[str, Profile]
    beside: list[str]

    @property
    def data_sets(self) -> list[str]:
        """All that it needs the folders of."""
        named = [probe.data for probe in self.probes.values()] + [cell.source for cell in self.cells.values()]
        return sorted(set(named) & set(DATA_SETS))

    def only(self, cells: Sequence[str], probes: Sequence[str]) -> Grid:
        """The part of it with these cells and probes, all of them where none is named; no cell without a probe.

        Raises:
            MonoImageError: an unknown cell or probe, or none of the cells has one of the probes.
        """
        where = f"benchmark {self.name}: "
        asked = _chosen(where, "probe", self.probes, probes)
        chosen = _chosen(where, "cell", self.cells, cells)
        left = {name: cell for name, cell in chosen.items() if cell.asks(asked)}
        if not left:
            raise MonoImageError(f"{where}{', '.join(chosen)}: not probed on {', '.join(asked)}")
        for_any = [name for name in asked if any(cell.asks([name]) for cell in left.values())]
        return dataclasses.replace(self, cells=left, probes={name: asked[name] for name in for_any})


@dataclass(frozen=True)
class _Sheet:
    """The YAML as it is read, before its parts are."""

    title: str
    probes: Mapping[str, Any]
    cells: Mapping[str, Any]
    profiles: Mapping[str, Any]
    beside: list[str] = field(default_factory=list)


def read_grid(name: str) -> Grid:
    """A benchmark by its name, or any YAML of this form by its path.

    Raises:
        MonoImageError: no such benchmark, or every key, type and name in it that is wrong.
    """
    path = Path(name)
    if path.suffix != ".yaml":
        if name not in names():
            raise MonoImageError(f"{unknown('benchmark', name, names())}; or the path of a .yaml")
        path = benchmarks("grids") / f"{name}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MonoImageError(f"benchmark {path} cannot be read: {error}") from None
    if not isinstance(values, Mapping):
        raise MonoImageError(f"benchmark {path} must be a mapping with title, probes, cells and profiles")
    sheet = read_block(_Sheet, values, path.name)
    committed = {file.stem: file for file in benchmarks("results").glob("*.jsonl")}
    _chosen(f"{path.name}: beside: ", "benchmark with results", committed, sheet.beside)
    probes = _parts(Probe, sheet.probes, f"{path.name}: probes")
    cells = _parts(Cell, sheet.cells, f"{path.name}: cells")
    for name, cell in cells.items():
        _chosen(f"{path.name}: cells.{name}.probes: ", "probe", probes, cell.probes)
    profiles = _parts(Profile, sheet.profiles, f"{path.name}: profiles")
    return Grid(path.stem, sheet.title, probes, cells, profiles, sheet.beside)


def names() -> list[str]:
    """The benchmarks that come with the package."""
    return sorted(path.stem for path in benchmarks("grids").glob("*.yaml"))


def _parts(kind: type[Item], values: Mapping[str, Any], where: str) -> dict[str, Item]:
    if not values:
        raise MonoImageError(f"{where} must name one at least")
    for name, value in values.items():
        if not isinstance(name, str):
            raise MonoImageError(f"{where}: {name} must be a name: put it in quotes")
        if not isinstance(value, Mapping):
            raise MonoImageError(f"{where}.{name}={value!r} must be a mapping, {{}} where nothing is to be said")
    return {name: read_block(kind, value, f"{where}.{name}") for name, value in values.items()}


def _chosen(where: str, kind: str, there: dict[str, Item], wanted: Sequence[str]) -> dict[str, Item]:
    for name in wanted:
        if name not in there:
            raise MonoImageError(where + unknown(kind, name, there))
    return {name: there[name] for name in wanted or there}
