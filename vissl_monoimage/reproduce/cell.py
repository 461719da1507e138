"""A cell of a benchmark: what is trained on what, or which trunk is probed as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.errors import unknown
from vissl_monoimage.models.init import TRUNKS
from vissl_monoimage.models.zoo import named_models

DATA_SETS = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "imagenet1k": "", "places205": ""}  # torchvision's name


@dataclass(frozen=True)
class Cell:
    """What is trained: a config on a source, and what it costs a seed.

    pretrain: its YAML; none for a trunk that is probed as it starts. init: the method of `monoimage init` that makes
    the trunk's filters from a photo instead. source: `photo` (the one given on the command line), a photo of the
    catalog, a synthetic one, or a data set, whose images are then the training set. images: crops of so many of the
    data set's images in place of all of them. labels: the data set's own are trained on. trunk: the one to probe,
    where it is not its probe's. zoo: a model of VISSL's zoo to probe (`monoimage ls zoo`). probes: those of the
    benchmark that it is asked; all where none is named.
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
    probes: list[str] = field(default_factory=list)

    def asks(self, probes: Iterable[str]) -> list[str]:
        """Those of a benchmark's probes that its trunk is asked."""
        return [name for name in probes if not self.probes or name in self.probes]

    def problems(self) -> list[str]:
        """What does not go together: each cell is of one pretraining, init or model of the zoo; and unknown names."""
        if below := negative(self.minutes, self.megabytes):
            return below
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
        if self.zoo not in named_models():
            return [f"zoo: {unknown('model', self.zoo, named_models())}"]
        alone = Cell(zoo=self.zoo, probe_overrides=self.probe_overrides, probes=self.probes)
        return [] if self == alone else ["zoo goes with probes and probe_overrides alone: it has weights and a trunk"]

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


def negative(minutes: float, megabytes: float) -> list[str]:
    """What is wrong with costs below nothing."""
    costs = {"minutes": minutes, "megabytes": megabytes}
    return [f"{name}={cost:g} must not be negative" for name, cost in costs.items() if not cost >= 0]
