"""A benchmark: what is trained, on what, probed on what, with which seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vissl_monoimage.config.schema import LARGEST_SEED
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.reproduce.cell import DATA_SETS, UNNAMED_PHOTO, Cell, impossible_costs, name_problem

Item = TypeVar("Item")


@dataclass(frozen=True)
class Probe:
    """A probe of every cell of a benchmark.

    Attributes:
        config: its YAML.
        data: the data set it is on, one of `DATA_SETS` or a name of the user's for a labelled folder; "" for one that
            comes with the package.
        minutes: of one core.
        megabytes: on disk.
        overrides: of its configuration.
    """

    config: str
    data: str = ""
    minutes: float = 0.0
    megabytes: float = 20.0
    overrides: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Return a sentence for a name that no data set can have, and for each impossible cost."""
        name = name_problem(self.data) if self.data else ""
        return [f"data: {name}"] * bool(name) + impossible_costs(self.minutes, self.megabytes)


@dataclass(frozen=True)
class Profile:
    """The size of a benchmark.

    Attributes:
        seeds: of every cell.
        bfloat16: pretrain in bfloat16 if the CPU of the machine that plans has instructions for it, else in float32.
            The minutes of cells are then those of a CPU that has them.
        overrides: of all pretrainings.
        init_overrides: `--crops=N` of all `monoimage init` whose cells have none.
        probe_overrides: of all probes.
    """

    seeds: list[int]
    bfloat16: bool = False
    overrides: list[str] = field(default_factory=list)
    init_overrides: list[str] = field(default_factory=list)
    probe_overrides: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Return a sentence for seeds out of range, and where there is none."""
        if self.seeds and all(0 <= seed <= LARGEST_SEED for seed in self.seeds):
            return []
        return [f"seeds={self.seeds} must be whole numbers from 0 to {LARGEST_SEED}, such as [0, 1, 2]"]


@dataclass(frozen=True)
class Grid:
    """A benchmark, as `read_grid` reads it.

    Attributes:
        name: of its file.
        title: what it compares, in a line.
        probes: by name.
        cells: by name.
        profiles: by name.
        beside: benchmarks whose committed rows its report shows too.
    """

    name: str
    title: str
    probes: dict[str, Probe]
    cells: dict[str, Cell]
    profiles: dict[str, Profile]
    beside: list[str]

    @property
    def data_sets(self) -> list[str]:
        """The data sets that it needs the folders of."""
        probed = {probe.data for probe in self.probes.values() if probe.data}
        return sorted(probed | {cell.source for cell in self.cells.values()} & set(DATA_SETS))

    @property
    def photos(self) -> list[str]:
        """The names of the photos that it needs, beside the one without a name."""
        return sorted({cell.photo_name for cell in self.cells.values()} - {""})

    @property
    def uses_unnamed_photo(self) -> bool:
        """Whether a cell has the photo of `--photo` without a name."""
        return any(cell.source == UNNAMED_PHOTO for cell in self.cells.values())

    def only(self, cells: Sequence[str], probes: Sequence[str]) -> Grid:
        """Return the part with these cells and probes, all of them if none is named; cells without a probe are dropped.

        Raises:
            MonoImageError: an unknown cell or probe, or none of the cells has one of the probes.
        """
        where = f"benchmark {self.name}: "
        chosen_probes = select(where, "probe", self.probes, probes)
        chosen = select(where, "cell", self.cells, cells)
        left = {name: cell for name, cell in chosen.items() if cell.select_probes(chosen_probes)}
        if not left:
            raise MonoImageError(f"{where}{', '.join(chosen)}: not probed on {', '.join(chosen_probes)}")
        needed = [name for name in chosen_probes if any(cell.select_probes([name]) for cell in left.values())]
        return dataclasses.replace(self, cells=left, probes={name: chosen_probes[name] for name in needed})


def select(where: str, kind: str, items: dict[str, Item], names: Sequence[str]) -> dict[str, Item]:
    """Return the items of these names, all of them if there is no name.

    Raises:
        MonoImageError: an unknown name; the sentence begins with `where` and calls an item a `kind`.
    """
    for name in names:
        if name not in items:
            raise MonoImageError(where + unknown(kind, name, items))
    return {name: items[name] for name in names or items}
