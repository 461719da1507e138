"""The parts of a ledger row that are objects of their own."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Weights:
    """The file of weights that a run started from; every field is None if it started from no file.

    Attributes:
        path: path of the file.
        sha256: of the file.
        zoo: name of the model in VISSL's zoo; None for other files.
    """

    path: str | None = None
    sha256: str | None = None
    zoo: str | None = None


@dataclasses.dataclass(frozen=True)
class InitialWeights:
    """Where the trunk's weights came from before the first step, and the hash of these weights.

    Attributes:
        origin: "random", "checkpoint", or "fixed" for features without weights to train.
        sha256: of the weights; None where it is not known.
        loaded: number of the trunk's tensors that a checkpoint filled, without counters of batches.
        total: number of tensors of the trunk, without counters of batches.
    """

    origin: str
    sha256: str | None = None
    loaded: int | None = None
    total: int | None = None


@dataclasses.dataclass(frozen=True)
class DataSplit:
    """The images of one split; None stands for what is not known.

    Attributes:
        name: name of the data set.
        images: number of images or crops.
        classes: number of classes.
        sha256: fingerprint of the content.
        sampled: whether only the ends of the files were hashed.
        drawn_from: the data set that the images were drawn from with the run's seed.
        unreadable: number of images that could not be read and were replaced.
        size: side of the images in px.
        normalisation: mean and standard deviation of the channels, as text.
    """

    name: str
    images: int | None = None
    classes: int | None = None
    sha256: str | None = None
    sampled: bool = False
    drawn_from: str | None = None
    unreadable: int = 0
    size: int | None = None
    normalisation: str | None = None

    @property
    def content(self) -> str | None:
        """What the runs of one experiment share: the data set that images are drawn from with a seed, or their hash."""
        return f"drawn from {self.drawn_from}" if self.drawn_from else self.sha256
