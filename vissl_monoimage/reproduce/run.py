"""The runs of a benchmark, and the chains in which they depend on each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vissl_monoimage.reproduce.photos import PhotoList, SyntheticPhoto


@dataclass(frozen=True)
class Run:
    """A run of VISSL, or of `monoimage init`.

    Attributes:
        title: what the console calls it.
        folder: named for what the run is, with a hash of all that its result depends on.
        overrides: the words after `monoimage` and `verb`.
        minutes: of one core.
        megabytes: on disk.
        photos: written before the run; None where it needs none.
        photo_sha256: of the file of its only photo; "" where there is none, or not yet when it was planned.
        verb: `run`, or `init METHOD PHOTO`.
        extra: more overrides, which do not make it another run, such as the device.
        image_folders: the folders of its training and test images; none where it reads others.
    """

    title: str
    folder: Path
    overrides: tuple[str, ...]
    minutes: float
    megabytes: float
    photos: PhotoList | SyntheticPhoto | None = None
    photo_sha256: str = ""
    verb: tuple[str, ...] = ("run",)
    extra: tuple[str, ...] = ()
    image_folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A pretraining, or none, and the probes of its checkpoint in order: the work of one core or one job."""

    pretrain: Run | None
    probes: tuple[Run, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, in the order in which they must run."""
        return (*([self.pretrain] if self.pretrain else []), *self.probes)

    def with_probes(self, others: tuple[Run, ...]) -> Chain:
        """Return this chain with those of `others` that it does not have yet."""
        folders = {run.folder for run in self.probes}
        return Chain(self.pretrain, (*self.probes, *(run for run in others if run.folder not in folders)))
