"""A small labelled data set inside installed packages: which photo is a grey patch from?

It lets a probe be tried anywhere with nothing downloaded, and it is hard enough to tell layers apart, but
it is no benchmark: numbers on it compare with nothing outside this project.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP

from vissl_monoimage.config.access import monoimage_block
from vissl_monoimage.config.schema import read_block
from vissl_monoimage.data.photos.catalog import CATALOG

# Label = position in this list. `china`, which the demo learns from, is left out on purpose.
PHOTOS = (
    "astronaut", "brick", "camera", "chelsea", "coffee", "coins",
    "flower", "grass", "gravel", "hubble", "retina", "rocket",
)  # fmt: skip
GRID = 4  # cells a side; train and test cells alternate as on a chessboard, so both see all of a photo
GAP = 8  # px of photo between a train and a test cell that belong to neither
SMALLEST_CROP = 24  # px of photo
_LEAST_CONTRAST = 4.0  # grey levels: flatter patches are not stretched into noise


@dataclass(frozen=True)
class PatchesConfig:
    """`config.MONOIMAGE.PATCHES`.

    Attributes:
        SIZE: side of a patch in px, 8 to 512.
        TRAIN_SAMPLES, TEST_SAMPLES: patches in each split; the labels take turns.
        SEED: another seed draws other patches, from the same regions.
    """

    SIZE: int = 64
    TRAIN_SAMPLES: int = 3000
    TEST_SAMPLES: int = 1500
    SEED: int = 0

    def problems(self) -> list[str]:
        """Values out of range, one sentence each."""
        found = [] if 8 <= self.SIZE <= 512 else [f"SIZE={self.SIZE} must be 8 to 512"]
        for name in ("TRAIN_SAMPLES", "TEST_SAMPLES"):
            if getattr(self, name) < 1:
                found.append(f"{name}={getattr(self, name)} must be at least 1")
        return found


@dataclass(frozen=True)
class Crop:
    """Where a patch comes from: the square of `side` px at (`left`, `top`) of photo `label`."""

    label: int
    left: int
    top: int
    side: int
    mirrored: bool


class PhotoPatchesSource:
    """VISSL data source `photo_patches`: patch i and its label are a pure function of (SEED, split, SIZE, i).

    A patch is a random square of a random cell of its photo, at a random scale, in grey and with its mean and
    contrast normalised: neither colour nor brightness gives the photo away.
    """

    def __init__(self, cfg: Any, data_source: str, path: Any, split: str, dataset_name: str) -> None:
        block = monoimage_block(cfg).get("PATCHES")
        self.config = read_block(PatchesConfig, block, "config.MONOIMAGE.PATCHES")
        self.is_train = split.upper() == "TRAIN"
        self.photos = [load_grey(name) for name in PHOTOS]

    def __len__(self) -> int:
        return self.config.TRAIN_SAMPLES if self.is_train else self.config.TEST_SAMPLES

    def num_samples(self) -> int:
        """Number of patches in the split."""
        return len(self)

    def get_labels(self) -> list[int]:
        """The photo of each patch, as a position in PHOTOS."""
        return [index % len(PHOTOS) for index in range(len(self))]

    def crop(self, index: int) -> Crop:
        """Where patch `index` lies in its photo."""
        label = index % len(PHOTOS)
        draw = np.random.default_rng([self.config.SEED, int(self.is_train), index])
        cells = regions(self.photos[label].size, self.is_train)
        left, top, right, bottom = cells[draw.integers(len(cells))]
        largest = min(right - left, bottom - top)
        side = round(SMALLEST_CROP * math.exp(draw.uniform(0, math.log(largest / SMALLEST_CROP))))
        x = draw.integers(left, right - side + 1)
        y = draw.integers(top, bottom - side + 1)
        return Crop(label, int(x), int(y), side, bool(draw.integers(2)))

    def __getitem__(self, index: int) -> tuple[Image.Image, bool]:
        crop, size = self.crop(index), self.config.SIZE
        box = (crop.left, crop.top, crop.left + crop.side, crop.top + crop.side)
        # Cut before resizing: the filter must not reach over the edge of the cell.
        patch = self.photos[crop.label].crop(box).resize((size, size), Image.Resampling.BICUBIC)
        if crop.mirrored:
            patch = patch.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return normalise(patch), True


def regions(photo_size: tuple[int, int], is_train: bool) -> list[tuple[int, int, int, int]]:
    """Cells (left, top, right, bottom) in px of a photo of (width, height) that a split may cut patches from.

    Cells of the two splits share no pixel and are at least GAP px apart.
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
        if (row + column) % 2 == (0 if is_train else 1)
    ]


def normalise(patch: Image.Image) -> Image.Image:
    """Grey patch with mean 128 and standard deviation 48 (before clipping to 0..255), as RGB."""
    values = np.asarray(patch, dtype=np.float32)
    values = (values - values.mean()) * (48 / max(float(values.std()), _LEAST_CONTRAST)) + 128
    return Image.fromarray(values.clip(0, 255).round().astype(np.uint8)).convert("RGB")


def load_grey(name: str) -> Image.Image:
    """The photo `name` of the catalog in grey."""
    with Image.open(CATALOG[name].path) as photo:
        return photo.convert("L")


DATASET_SOURCE_MAP["photo_patches"] = PhotoPatchesSource
DATA_SOURCES_WITH_SUBSET_SUPPORT.add("photo_patches")
