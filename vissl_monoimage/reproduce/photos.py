"""Photos that are written before a single-image run: some images of a data set, or a synthetic photo."""

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
    """A list of training images drawn from a data set.

    Attributes:
        file: a text file with a path a line.
        folder: of the image files, or, with `unpacked`, of torchvision's own files.
        count: number of images.
        seed: of the draw.
        unpacked: torchvision's name of the data set (`CIFAR10`), whose images are then written as PNG beside `file`.
    """

    file: Path
    folder: Path
    count: int
    seed: int
    unpacked: str = ""

    def write(self) -> None:
        """Draw the images, and write what is missing.

        Raises:
            MonoImageError: there are fewer images, or they cannot be read or written.
        """
        try:
            paths = self._export() if self.unpacked else self._select()
        except (OSError, RuntimeError) as error:  # a RuntimeError is torchvision's, about files that are not its own
            raise MonoImageError(f"{self.folder} cannot be read, or {self.file.parent} not written: {error}") from None
        lines = "".join(f"{path}\n" for path in paths)
        if not self.file.is_file() or self.file.read_text() != lines:
            replace_text(self.file, lines)

    def _select(self) -> list[Path]:
        images = find_photos(self.folder)
        return [images[number] for number in self._draw(len(images))]

    def _export(self) -> list[Path]:
        import torchvision  # takes seconds to import, which a plan without such lists need not wait for

        images = getattr(torchvision.datasets, self.unpacked)(self.folder, train=True)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        paths = []
        for number in self._draw(len(images)):
            paths.append(self.file.with_name(f"{self.file.stem}_{number:05}.png"))
            with atomic_write(paths[-1]) as part:
                images[number][0].save(part, "PNG")
        return paths

    def _draw(self, available: int) -> list[int]:
        if available < self.count:
            raise MonoImageError(f"{self.folder} has {available} images, and {self.count} are asked for")
        return [int(number) for number in np.random.default_rng(self.seed).permutation(available)[: self.count]]


@dataclass(frozen=True)
class SyntheticPhoto:
    """A photo of `data.photos.synthetic`, whose name is the stem of `file`."""

    file: Path

    def write(self) -> None:
        """Write the photo, unless it exists."""
        if not self.file.is_file():
            synthetic.write_synthetic(self.file.stem, self.file)
