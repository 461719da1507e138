"""A small labelled data set inside installed packages: which photo is a grey patch from?

It lets a probe be tried anywhere with nothing downloaded, and it is hard enough to tell layers apart, but
it is no benchmark: numbers on it compare with nothing outside this project.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vissl_monoimage.data.photos.catalog import CATALOG

# Label = position in this list. `china`, which the demo learns from, is left out on purpose.
PHOTOS = (
    "astronaut", "brick", "camera", "chelsea", "coffee", "coins",
    "flower", "grass", "gravel", "hubble", "retina", "rocket",
)  # fmt: skip
WHERE = "config.MONOIMAGE.PATCHES"
GRID = 4  # cells a side; train and test cells alternate as on a chessboard, so both see all of a photo
GAP = 8  # px of photo between a train and a test cell that belong to neither
SMALLEST_PATCH = 24  # px of photo
_LEAST_CONTRAST = 4.0  # grey levels: flatter patches are not stretched into noise


@dataclass(frozen=True)
class PatchesConfig:
    """`config.MONOIMAGE.PATCHES`.

    Attributes:
        SIZE: side of a patch in px, 8 to 512.
        TRAIN_SAMPLES: patches in the training split; the labels take turns.
        TEST_SAMPLES: patches in the test split.
        SEED: another seed draws other patches, from the same regions.
    """

    SIZE: int = 64
    TRAIN_SAMPLES: int = 3000
    TEST_SAMPLES: int = 1500
    SEED: int = 0

    def problems(self) -> list[str]:
        """Return a sentence for each value out of range."""
        sentences = [] if 8 <= self.SIZE <= 512 else [f"SIZE={self.SIZE} must be 8 to 512"]
        for name in ("TRAIN_SAMPLES", "TEST_SAMPLES"):
            if getattr(self, name) < 1:
                sentences.append(f"{name}={getattr(self, name)} must be at least 1")
        return sentences


@dataclass(frozen=True)
class PatchBox:
    """Where a patch is cut: the square of `side` px at (`left`, `top`) of photo `label`."""

    label: int
    left: int
    top: int
    side: int
    mirrored: bool


class PhotoPatches:
    """A data set whose patch i and label i are a pure function of (SEED, split, SIZE, i).

    A patch is a random square of a random cell of its photo, at a random scale, in grey and with its mean and
    contrast normalised, so that neither colour nor brightness gives the photo away.

    Args:
        config: size, number and seed of the patches.
        train: whether to draw from the cells of the training split or from those of the test split.

    Raises:
        MonoImageError: a package with photos of `PHOTOS` is not installed.
    """

    def __init__(self, config: PatchesConfig, train: bool) -> None:
        self.config, self.train = config, train
        self.photos = [load_grey(name) for name in PHOTOS]

    def __len__(self) -> int:
        return self.config.TRAIN_SAMPLES if self.train else self.config.TEST_SAMPLES

    def labels(self) -> list[int]:
        """Return the photo of each patch, as a position in PHOTOS."""
        return [index % len(PHOTOS) for index in range(len(self))]

    def box(self, index: int) -> PatchBox:
        """Return where patch `index` lies in its photo."""
        label = index % len(PHOTOS)
        draw = np.random.default_rng([self.config.SEED, int(self.train), index])
        cells = regions(self.photos[label].size, self.train)
        left, top, right, bottom = cells[draw.integers(len(cells))]
        largest = min(right - left, bottom - top)
        side = round(SMALLEST_PATCH * math.exp(draw.uniform(0, math.log(largest / SMALLEST_PATCH))))
        x = draw.integers(left, right - side + 1)
        y = draw.integers(top, bottom - side + 1)
        return PatchBox(label, int(x), int(y), side, bool(draw.integers(2)))

    def __getitem__(self, index: int) -> Image.Image:
        """Return patch `index`: grey values as RGB, SIZE px squared."""
        box, size = self.box(index), self.config.SIZE
        # Cut before resizing: the filter must not reach over the edge of the cell.
        cut = self.photos[box.label].crop((box.left, box.top, box.left + box.side, box.top + box.side))
        patch = cut.resize((size, size), Image.Resampling.BICUBIC)
        return normalise(patch.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if box.mirrored else patch)


def regions(photo_size: tuple[int, int], train: bool) -> list[tuple[int, int, int, int]]:
    """Return the cells (left, top, right, bottom), in px, that a split cuts patches from.

    Cells of the two splits share no pixel and are at least GAP px apart.

    Args:
        photo_size: (width, height) in px.
        train: whether the split is the training split.
    """
    width, height = photo_size
    margin = GAP // 2
    return [
        (
            width * column // GRID + margin,
            height * row // GRID + margin,
            width * (column + 1) // GRID - margin,
            height * (row + 1) // GRID - margin,
        )
        for row in range(GRID)
        for column in range(GRID)
        if (row + column) % 2 == (0 if train else 1)
    ]


def normalise(patch: Image.Image) -> Image.Image:
    """Return a grey patch with mean 128 and standard deviation 48 (before clipping to 0..255), as RGB."""
    values = np.asarray(patch, dtype=np.float32)
    values = (values - values.mean()) * (48 / max(float(values.std()), _LEAST_CONTRAST)) + 128
    return Image.fromarray(values.clip(0, 255).round().astype(np.uint8)).convert("RGB")


def load_grey(name: str) -> Image.Image:
    """Return the photo `name` of the catalog in grey."""
    with Image.open(CATALOG[name].path) as photo:
        return photo.convert("L")
