"""Photos that are made before a single-image run: a few images of a data set, or one that is synthetic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vissl_monoimage.data.photos import synthetic
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write, replace_text


@dataclass(frozen=True)
class PhotoList:
    """`count` training images drawn with `seed`, their paths a line each in `file`.

    folder: of image files; or, with `unpacked` the name of torchvision's data set (`CIFAR10`), of its own files, whose
    images are then written as PNG beside `file`.
    """

    file: Path
    folder: Path
    count: int
    seed: int
    unpacked: str = ""

    def write(self) -> None:
        """Draw, and write what is not there yet.

        Raises:
            MonoImageError: there are fewer images, or they cannot be read or written.
        """
        try:
            paths = self._exported() if self.unpacked else self._found()
        except (OSError, RuntimeError) as error:  # the second is torchvision's, of files that are not its own
            raise MonoImageError(f"{self.folder} cannot be read, or {self.file.parent} not written: {error}") from None
        listed = "".join(f"{path}\n" for path in paths)
        if not self.file.is_file() or self.file.read_text() != listed:
            replace_text(self.file, listed)

    def _found(self) -> list[Path]:
        images = find_photos(self.folder)
        return [images[number] for number in self._drawn(len(images))]

    def _exported(self) -> list[Path]:
        import torchvision  # seconds to import: not for every plan

        images = getattr(torchvision.datasets, self.unpacked)(self.folder, train=True)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        paths = []
        for number in self._drawn(len(images)):
            paths.append(self.file.with_name(f"{self.file.stem}_{number:05}.png"))
            with atomic_write(paths[-1]) as part:
                images[number][0].save(part, "PNG")
        return paths

    def _drawn(self, available: int) -> list[int]:
        if available < self.count:
            raise MonoImageError(f"{self.folder} has {available} images, and {self.count} are asked for")
        return [int(number) for number in np.random.default_rng(self.seed).permutation(available)[: self.count]]


@dataclass(frozen=True)
class SyntheticPhoto:
    """A photo of `images.synthetic`, which `file` is called after."""

    file: Path

    def write(self) -> None:
        """Write it where it is not there yet."""
        if not self.file.is_file():
            synthetic.write_synthetic(self.file.stem, self.file)
