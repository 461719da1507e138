"""A benchmark's YAML: what is trained, on what, probed on what, with which seeds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from vissl_monoimage.baselines import TRUNKS
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.images.catalog import CATALOG
from vissl_monoimage.images.synthetic import SYNTHETIC
from vissl_monoimage.references import named
from vissl_monoimage.schema import read_block
from vissl_monoimage.shipped import benchmarks

Item = TypeVar("Item")
DATA_SETS = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "imagenet1k": "", "places205": ""}  # torchvision's name


@dataclass(frozen=True)
class Probe:
    """Where every cell of a benchmark is probed. minutes: of one core."""

    config: str
    data: str = ""
    minutes: float = 0.0
    megabytes: float = 20.0
    overrides: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """A data set we cannot find in a folder."""
        return _known("data", self.data)


@dataclass(frozen=True)
class Cell:
    """What is trained: a config on a source, and what it costs a seed.

    pretrain: its YAML; none for a trunk that is probed as it starts. init: the method of `monoimage init` that makes
    the trunk's filters from a photo instead. source: `photo` (the one given on the command
    line), a photo of the catalog, a synthetic one, or a data set, whose images are then the training set. images: crops
    of so many of the data set's images in place of all of them. labels: the data set's own are trained on. trunk: the
    one to probe, where it is not its probe's. zoo: a model of VISSL's zoo to probe (`monoimage ls zoo`).
    """

    pretrain: str = ""
    init: str = ""
    source: str = ""
    images: int = 0
    labels: bool = False
    trunk: str = ""
    minutes: float = 0.0
    megabytes: float = 0.0
    overrides: list[str] = field(default_factory=list)
    probe_overrides: list[str] = field(default_factory=list)
    zoo: str = ""

    def problems(self) -> list[str]:
        """What does not go together: each cell is of one pretraining, init or model of the zoo; and unknown names."""
        if self.zoo:
            return self._problems_of_zoo()
        if self.pretrain and self.init:
            return ["pretrain and init: only one of them makes a trunk"]
        if bool(self.pretrain or self.init) != bool(self.source):
            return ["pretrain or init goes with a source: name both, or neither for a trunk as it starts"]
        if self.init:
            return self._problems_of_init()
        if self.labels and self.source not in DATA_SETS:
            return ["labels are a data set's: name one as source"]
        if self.images < 0 or (self.images and (self.labels or self.source not in DATA_SETS)):
            return [f"images={self.images} must be a number of images of a data set, without its labels"]
        known = {"photo", *DATA_SETS, *CATALOG, *SYNTHETIC}
        return [f"source: {unknown('source', self.source, known)}"] if self.source and self.source not in known else []

    def _problems_of_zoo(self) -> list[str]:
        if self.zoo not in named():
            return [f"zoo: {unknown('model', self.zoo, named())}"]
        alone = Cell(zoo=self.zoo, probe_overrides=self.probe_overrides)
        return [] if self == alone else ["zoo goes with probe_overrides alone: its weights and trunk are there"]

    def _problems_of_init(self) -> list[str]:
        if self.init not in TRUNKS:
            return [f"init: {unknown('method', self.init, TRUNKS)}"]
        known = {"photo", *CATALOG, *SYNTHETIC}
        if self.source not in known:
            return [f"source: {unknown('photo', self.source, known)}"]
        if self.trunk and self.trunk not in TRUNKS[self.init]:
            return [f"trunk: {unknown('trunk', self.trunk, TRUNKS[self.init])}"]
        given = [word for word in self.overrides if not re.fullmatch(r"--crops=\d+", word)]
        if self.labels or self.images:
            return ["init learns from one photo, without images and labels"]
        return [f"overrides: init takes --crops=N alone, not '{given[0]}'"] if given else []


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
        if self.seeds and all(isinstance(seed, int) and seed >= 0 for seed in self.seeds):
            return []
        return [f"seeds={self.seeds} must be a list of whole numbers, such as [0, 1, 2]"]


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
        """The part of it with these cells and probes; all of them where none is named.

        Raises:
            MonoImageError: an unknown cell or probe.
        """
        return dataclasses.replace(
            self,
            cells=_chosen(f"benchmark {self.name}: ", "cell", self.cells, cells),
            probes=_chosen(f"benchmark {self.name}: ", "probe", self.probes, probes),
        )


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
    return Grid(
        path.stem,
        sheet.title,
        _parts(Probe, sheet.probes, f"{path.name}: probes"),
        _parts(Cell, sheet.cells, f"{path.name}: cells"),
        _parts(Profile, sheet.profiles, f"{path.name}: profiles"),
        sheet.beside,
    )


def names() -> list[str]:
    """The benchmarks that come with the package."""
    return sorted(path.stem for path in benchmarks("grids").glob("*.yaml"))


def _parts(kind: type[Item], values: Mapping[str, Any], where: str) -> dict[str, Item]:
    for name, value in values.items():
        if not isinstance(value, Mapping):
            raise MonoImageError(f"{where}.{name}={value!r} must be a mapping, {{}} where nothing is to be said")
    return {name: read_block(kind, value, f"{where}.{name}") for name, value in values.items()}


def _chosen(where: str, kind: str, there: dict[str, Item], wanted: Sequence[str]) -> dict[str, Item]:
    for name in wanted:
        if name not in there:
            raise MonoImageError(where + unknown(kind, name, there))
    return {name: there[name] for name in wanted or there}


def _known(key: str, name: str) -> list[str]:
    return [f"{key}: {unknown('data set', name, DATA_SETS)}"] if name and name not in DATA_SETS else []
