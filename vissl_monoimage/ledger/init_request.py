"""What a `monoimage init` asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.errors import MonoImageError, nearest
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.path_hash import PathHash, hash_path, hash_together
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.run_claim import Claim
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.models.init import CALIBRATE, NOISE, RANDOM, TRUNKS
from vissl_monoimage.models.init.initial import Pretraining, read_pretraining, usual_normalisation
from vissl_monoimage.models.init.learn import data_set, trunk_for
from vissl_monoimage.models.normalisation import CIFAR10


@dataclass(frozen=True)
class Request:
    """The arguments of a `monoimage init`.

    Attributes:
        method: one of `models.init.METHODS`.
        source: the images; "" for random weights.
        named_trunk: the architecture; "" for that of `like` or of the row beside `weights`, else the method's default.
        seed: seed of images, initial weights and learning.
        count: number of images.
        like: overrides of the pretraining whose initial weights are taken; "" for none.
        weights: checkpoint to start from; "" for none.

    Raises:
        MonoImageError: an unknown method or trunk, or arguments that do not go together.
    """

    method: str
    source: str
    named_trunk: str
    seed: int
    count: int
    like: str
    weights: str

    def __post_init__(self) -> None:
        name = trunk_for(self.method, self.named_trunk or None)
        if self.method in TRUNKS and (self.like or self.weights):
            raise MonoImageError(f"{self.method} starts from no other weights: leave out --like and --weights")
        if self.method == RANDOM and (self.source or self.weights):
            raise MonoImageError("random makes weights from a seed alone: leave out images and --weights")
        if self.method != RANDOM and not self.source:
            more = f", {NOISE} or NAME=FOLDER of a data set" if self.method == CALIBRATE else ""
            raise MonoImageError(f"{self.method} makes weights from images: name a photo{more}")
        if self.method == CALIBRATE and _is_mistyped_noise(self.source):
            raise MonoImageError(f"unknown images '{self.source}': did you mean '{NOISE}'?")
        if self.count < 1:
            raise MonoImageError(f"--crops={self.count} must be at least 1")
        if self.weights and not Path(self.weights).is_file():
            raise MonoImageError(f"--weights: no checkpoint at '{self.weights}'")
        if self.pretraining and self.named_trunk and name != self.pretraining.trunk:
            raise MonoImageError(f"--trunk={name}, and --like has trunk '{self.pretraining.trunk}': name one of them")

    @cached_property
    def pretraining(self) -> Pretraining | None:
        """The pretraining whose initial weights, recipe and normalisation are taken."""
        return read_pretraining(self.like) if self.like else None

    @cached_property
    def row(self) -> Row | None:
        """The ledger row of the run that the checkpoint to start from is of, as its start or as its result."""
        file = Path(self.weights).parent / ledger.FILE_NAME
        rows = ledger.read([file], ledger.print_note) if self.weights and file.is_file() else []
        return rows[-1] if rows else None

    @property
    def trunk(self) -> str:
        """The name of the architecture."""
        if self.pretraining:
            return self.pretraining.trunk
        return trunk_for(self.method, self.named_trunk or (self.row.trunk if self.row else None))

    @property
    def options(self) -> list[str]:
        """The options that repeat this, beside the folder for the result."""
        words = [] if self.like else [f"--trunk={self.trunk}"]
        words.append(f"--seed={self.seed}")
        words += [] if self.method == RANDOM else [f"--crops={self.count}"]
        words += [f"--like={self.like}"] if self.like else []
        return words + ([f"--weights={self.weights}"] if self.weights else [])

    def claim(self) -> Claim:
        """Return what decides the result."""
        settings: dict[str, Any] = {"method": self.method, "trunk": self.trunk, "seed": self.seed, "crops": self.count}
        if like := self.pretraining:
            settings |= {"like": {**like.draw, "RECIPE": like.recipe, "NORMALISATION": str(like.normalisation)}}
        if self.method == "kmeans":
            normalisation = usual_normalisation(build_on_meta({"TRUNK": {"NAME": self.trunk}}))
            # Absent for CIFAR-10's, which all trunks had at first.
            settings |= {} if normalisation == CIFAR10 else {"NORMALISATION": str(normalisation)}
        contents = {"photo": self._images_hash()} if self.source and self.source != NOISE else {}
        contents |= {"weights": hash_path(self.weights)} if self.weights else {}
        return Claim.of(settings, contents, "init")

    def _images_hash(self) -> PathHash:
        if found := data_set(self.source):
            return hash_path(found[1])
        return hash_together(map(hash_path, find_photos(self.source)), f"the photos of {self.source}")


def _is_mistyped_noise(source: str) -> bool:
    return source != NOISE and nearest(source, [NOISE, *CATALOG]) == NOISE and not Path(source).exists()
