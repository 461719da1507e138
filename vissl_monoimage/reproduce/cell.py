"""A cell of a benchmark: what is trained on what, or which trunk is probed as it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.errors import nearest, unknown
from vissl_monoimage.models.init import CALIBRATE, METHODS, NOISE, RANDOM, TRUNKS
from vissl_monoimage.models.zoo import named_models

DATA_SETS = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "imagenet1k": "", "places205": "", "tiny-imagenet": ""}
"""The data sets of our benchmarks, with torchvision's name of those that it can unpack."""
UNNAMED_PHOTO = "photo"
"""The source that is the photo of `--photo FILE`."""
NAMED_PHOTO = "photo:"
"""How a source begins that is a photo with a name: `photo:market` is the one of `--photo market=FILE`."""
_OF_IS_MISSING = "of is missing: the cell or config=NAME whose initial weights init takes"


@dataclass(frozen=True)
class Cell:
    """What is trained for each seed: a configuration on a source.

    Attributes:
        pretrain: the YAML of the pretraining; "" for a trunk that is probed as it starts.
        init: the method of `monoimage init` that makes the trunk instead.
        of: of `init: random` and `init: calibrate`, the pretraining whose initial weights they take: the name of
            another cell, or `config=NAME OVERRIDE...`. `read_grid` puts such words in place of a cell's name.
        source: `photo` (the one of the command line), `photo:NAME` (one of several there), a photo of the catalog, a
            synthetic one, or a data set, whose images are then the training set; of `init: calibrate` also `noise`.
        images: crops of this many images of the data set are the training set, in place of all its images.
        labels: whether the data set's labels are learned.
        trunk: the trunk to probe; "" for that of the probe.
        minutes: of one core, for the training.
        megabytes: on disk, for the training.
        overrides: of the training.
        probe_overrides: of all probes.
        zoo: a model of VISSL's zoo to probe (`monoimage ls zoo`).
        probes: the probes of the benchmark that this cell has; all of them if none is named.
        seeds: how many of the profile's seeds this cell has, the first ones; 0 for all of them.
    """

    pretrain: str = ""
    init: str = ""
    of: str = ""
    source: str = ""
    images: int = 0
    labels: bool = False
    trunk: str = ""
    minutes: float = 0.0
    megabytes: float = 0.0
    overrides: list[str] = field(default_factory=list)
    probe_overrides: list[str] = field(default_factory=list)
    zoo: str = ""
    probes: list[str] = field(default_factory=list)
    seeds: int = 0

    @property
    def photo_name(self) -> str:
        """The name of the photo of `photo:NAME`, "" for other sources."""
        name = self.source.removeprefix(NAMED_PHOTO) if self.source.startswith(NAMED_PHOTO) else ""
        return name if re.fullmatch(r"\w[\w-]*", name) else ""

    def select_probes(self, probes: Iterable[str]) -> list[str]:
        """Return those of a benchmark's probes that this cell has."""
        return [name for name in probes if not self.probes or name in self.probes]

    def problems(self) -> list[str]:
        """Return what does not go together, and unknown names: a cell has one pretraining, init or model of the zoo."""
        if below := impossible_costs(self.minutes, self.megabytes):
            return below
        if self.seeds < 0:
            return [f"seeds={self.seeds} must be a number of the profile's seeds, 0 for all of them"]
        if self.zoo:
            return self._problems_of_zoo()
        if self.pretrain and self.init:
            return ["pretrain and init: only one of them makes a trunk"]
        if self.of and self.init not in (RANDOM, CALIBRATE):
            return [f"`of` goes with init: {RANDOM} and init: {CALIBRATE} only"]
        if self.init == RANDOM:
            return self._problems_of_random()
        if bool(self.pretrain or self.init) != bool(self.source):
            return ["pretrain or init goes with a source: name both, or neither for a trunk as it starts"]
        if self.init:
            return self._problems_of_init()
        if self.labels and self.source not in DATA_SETS:
            return ["labels are a data set's: name one as source"]
        if self.images < 0 or (self.images and (self.labels or self.source not in DATA_SETS)):
            return [f"images={self.images} must be a number of images of a data set, without its labels"]
        valid = {UNNAMED_PHOTO, *DATA_SETS, *CATALOG, *SYNTHETIC}
        known = not self.source or self.photo_name or self.source in valid
        return [] if known else [f"source: {unknown('source', self.source, valid)}"]

    def _problems_of_zoo(self) -> list[str]:
        if self.zoo not in named_models():
            return [f"zoo: {unknown('model', self.zoo, named_models())}"]
        alone = Cell(zoo=self.zoo, probe_overrides=self.probe_overrides, probes=self.probes)
        return [] if self == alone else ["zoo goes with probes and probe_overrides alone: it has weights and a trunk"]

    def _problems_of_init(self) -> list[str]:
        if self.init not in METHODS:
            return [f"init: {unknown('method', self.init, METHODS)}"]
        more = {CALIBRATE: {NOISE, *DATA_SETS}, "kmeans": {*DATA_SETS}}.get(self.init, set())
        valid = {UNNAMED_PHOTO, *CATALOG, *SYNTHETIC, *more}
        if self.source not in valid and not self.photo_name:
            return [f"source: {unknown('images' if more else 'photo', self.source, valid)}"]
        if self.init == CALIBRATE and not self.of:
            return [_OF_IS_MISSING]
        if self.trunk and self.trunk not in TRUNKS.get(self.init, (self.trunk,)):
            return [f"trunk: {unknown('trunk', self.trunk, TRUNKS[self.init])}"]
        refused = [word for word in self.overrides if not re.fullmatch(r"--crops=\d+", word)]
        if self.labels or self.images:
            return ["init learns from one photo or a data set's images, --crops=N of them, without images and labels"]
        return [f"overrides: init takes --crops=N alone, not '{refused[0]}'"] if refused else []

    def _problems_of_random(self) -> list[str]:
        if self.source or self.labels or self.images or self.overrides:
            return ["init: random makes weights from a seed alone, without source, images, labels and overrides"]
        return [] if self.of else [_OF_IS_MISSING]


def name_problem(name: str) -> str:
    """Return why a data set cannot have this name, "" for `DATA_SETS` and names that are like none of them."""
    if name in DATA_SETS:
        return ""
    if not re.fullmatch(r"\w[\w-]*", name):
        return f"name '{name}' must have letters, digits, - and _ only"
    close = nearest(name, DATA_SETS)
    return f"{unknown('data set', name, DATA_SETS)}; a folder of your own has a name unlike these" if close else ""


def impossible_costs(minutes: float, megabytes: float) -> list[str]:
    """Return a sentence for each cost that is below zero or not finite."""
    costs = {"minutes": minutes, "megabytes": megabytes}
    return [
        f"{name}={cost:g} must be a number that is not negative"
        for name, cost in costs.items()
        if not 0 <= cost < math.inf
    ]
