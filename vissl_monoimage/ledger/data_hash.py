"""Hashing the data of a run in a thread while the run reads them."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vissl_monoimage.ledger.fingerprint import Fingerprint, Labelled, file_sha256, json_sha256, pixels_fingerprint
from vissl_monoimage.ledger.fingerprint_cache import listing, remembered_fingerprint
from vissl_monoimage.ledger.row_parts import DataSplit

_SECONDS_IN_SILENCE = 5.0


class Content(Protocol):
    """What a split holds, to be hashed once."""

    def fingerprint(self) -> Fingerprint | None:
        """Return the fingerprint, None for data that have none; raise an OSError if a file cannot be read."""

    def changed(self) -> bool:
        """Return whether the data have changed since `fingerprint` was asked for."""


@dataclasses.dataclass
class KnownContent:
    """Data whose hash follows from what they are made of; None stands for data that cannot be hashed."""

    sha256: str | None

    def fingerprint(self) -> Fingerprint | None:
        return Fingerprint(self.sha256) if self.sha256 else None

    def changed(self) -> bool:
        return False


@dataclasses.dataclass
class PixelContent:
    """Small images in memory, as `pixels_fingerprint` takes them."""

    images: Callable[[], Iterable[tuple[int, NDArray[np.uint8]]]]

    def fingerprint(self) -> Fingerprint | None:
        return pixels_fingerprint(self.images())

    def changed(self) -> bool:
        return False


@dataclasses.dataclass
class FolderContent:
    """Image files below `root`."""

    root: Path
    files: Sequence[Labelled]
    _listing: str = ""

    def fingerprint(self) -> Fingerprint | None:
        fingerprint, self._listing = remembered_fingerprint(self.root, self.files)
        return fingerprint

    def changed(self) -> bool:
        return listing(self.root, self.files)[0] != self._listing


@dataclasses.dataclass
class FileContent:
    """One file, such as an array of labels, by its bytes."""

    path: Path

    def fingerprint(self) -> Fingerprint | None:
        return Fingerprint(file_sha256(self.path))

    def changed(self) -> bool:
        return False


@dataclasses.dataclass
class JoinedContent:
    """Data that are read together, such as several sources, or images and a file of their labels."""

    parts: Sequence[Content]

    def fingerprint(self) -> Fingerprint | None:
        fingerprints = [part.fingerprint() for part in self.parts]
        known = [fingerprint for fingerprint in fingerprints if fingerprint]
        if len(known) < len(fingerprints):
            return None
        return Fingerprint(json_sha256([one.sha256 for one in known]), any(one.sampled for one in known))

    def changed(self) -> bool:
        return any(part.changed() for part in self.parts)


class DataHasher:
    """Hash the splits of a run, one after the other, in a thread that starts at once.

    The thread reads the files while the first epoch does, so that they come from the disk once. Hashing lets go of
    Python's lock, and takes the time of a few training steps for data that were hashed before.

    Args:
        splits: for each split what is known of it, without a hash, and its content.
    """

    def __init__(self, splits: Mapping[str, tuple[DataSplit, Content]]) -> None:
        self._splits = splits
        self._fingerprints: dict[str, Fingerprint | None] = {}
        self._problems: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._hash, name="data hasher", daemon=True)
        self._thread.start()

    def finish(self) -> dict[str, DataSplit]:
        """Wait for what is not hashed yet and return all splits.

        A split whose files could not be read, or changed in the meantime, has no hash, and a line on stderr says so.
        """
        self._thread.join(_SECONDS_IN_SILENCE)
        if self._thread.is_alive():
            print("hashing the data, which the results ledger identifies by content ...", flush=True)
            self._thread.join()
        return {name: self._finished(name, split, content) for name, (split, content) in self._splits.items()}

    def _hash(self) -> None:
        for name, (_, content) in self._splits.items():
            try:
                self._fingerprints[name] = content.fingerprint()
            except Exception as error:  # a damaged image may raise anything, and no run is to end for a hash
                self._problems[name] = error

    def _finished(self, name: str, split: DataSplit, content: Content) -> DataSplit:
        fingerprint, problem = self._fingerprints.get(name), self._problems.get(name)
        try:
            if fingerprint and content.changed():
                fingerprint, problem = None, "files changed during the run"
        except OSError as error:
            fingerprint, problem = None, error
        if problem:
            print(f"the ledger has no hash of the {name} images of '{split.name}': {problem}", file=sys.stderr)
        if not fingerprint:
            return split
        return dataclasses.replace(split, sha256=fingerprint.sha256, sampled=fingerprint.sampled)


def labelled_pixels(images: Any) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield label and RGB pixels (height, width, 3) of each image of one of torchvision's data sets."""
    pixels = getattr(images, "data", None)
    if isinstance(pixels, np.ndarray) and pixels.shape[3:] == (3,):  # CIFAR's: six times faster than image by image
        yield from zip(images.targets, pixels, strict=True)
        return
    for image, label in images:
        yield int(label), np.asarray(image.convert("RGB"))
