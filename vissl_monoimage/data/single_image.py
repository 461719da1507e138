"""A data set of crops of one photo, or of a few, none of them stored."""

from __future__ import annotations

import copy
from pathlib import Path

from PIL import Image
from torch import Tensor

from vissl_monoimage.data.crops.crop_row import crop_row
from vissl_monoimage.data.crops.pyramid import pyramid_bytes
from vissl_monoimage.data.crops.recipe import WHERE
from vissl_monoimage.data.crops.sample import TEST, TRAIN, sample
from vissl_monoimage.data.crops.settings import OPENCV, TORCH, SourceBlock
from vissl_monoimage.data.photos.cache import CACHE_BYTES, PyramidCache, inspect_for
from vissl_monoimage.data.photos.find import Entry, find_photos
from vissl_monoimage.errors import MonoImageError


class SingleImageCrops:
    """A virtual data set whose crop i is a pure function of the photos, the recipe, the seed, the split and i.

    `crops.sample.sample` says which crop is which. With FRESH the crops of the training split are drawn anew in every
    epoch, so that crop i depends on `epoch` as well.

    Args:
        photos: a catalog name, a photo, a folder, a .txt list, or a list of these.
        settings: recipe, seed and number of crops.
        split: `sample.TRAIN` or `sample.TEST`.

    Attributes:
        photos: the pyramids of the photos, which worker processes share.
        recipe: how a crop is drawn.
        epoch: the training epoch, to be set before it begins.
        as_rows: whether the settings ask for crops that are rendered batch by batch, of their rows.

    Raises:
        MonoImageError: a photo cannot be read or is too small, there are more photos than training crops, or more than
            fit into memory where batches are rendered from them.
    """

    def __init__(self, photos: Entry, settings: SourceBlock, split: int = TRAIN) -> None:
        self.recipe = settings.recipe()
        self.photos = PyramidCache(_photos_for(photos, settings, split), self.recipe)
        self.epoch = 0
        self._split, self._seed = split, settings.SEED
        self._fresh = settings.FRESH and split == TRAIN
        self._length = settings.NUM_SAMPLES if split == TRAIN else settings.TEST_SAMPLES
        self.as_rows = settings.RENDERER == TORCH
        if self.as_rows:
            _check_memory(sum(self.photos.sizes), len(self.photos))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Image.Image:
        """Return crop `index`, RGB and `recipe.size` px squared; raise IndexError beyond the last one."""
        if not 0 <= index < self._length:
            raise IndexError(f"crop {index} of {self._length}")
        epoch = self.epoch if self._fresh else 0
        return sample(self.photos, self.recipe, index, seed=self._seed, split=self._split, epoch=epoch)

    def row(self, index: int) -> Tensor:
        """Return the parameters of crop `index`, as `crop_row` has them, which a batch is rendered from."""
        epoch = self.epoch if self._fresh else 0
        return crop_row(self.photos, self.recipe, index, seed=self._seed, split=self._split, epoch=epoch)

    def test_crops(self, count: int) -> SingleImageCrops:
        """Return the first `count` crops of the test split of the same photos, whose pyramids are shared."""
        crops = copy.copy(self)
        crops._split, crops._length, crops._fresh = TEST, count, False
        return crops


def _photos_for(entry: Entry, settings: SourceBlock, split: int) -> list[Path]:
    """Return the photos that `entry` stands for, unless they are more than the crops to train on."""
    paths = find_photos(entry)
    if split == TRAIN and len(paths) > settings.NUM_SAMPLES:
        raise MonoImageError(f"{WHERE}.NUM_SAMPLES={settings.NUM_SAMPLES} must be at least {len(paths)}, one a photo")
    return paths


def check_source(entry: Entry, settings: SourceBlock, split: int) -> None:
    """Raise what `SingleImageCrops` would raise, but make no pyramids.

    Raises:
        MonoImageError: as `SingleImageCrops`.
    """
    files = inspect_for(settings.recipe(), _photos_for(entry, settings, split))
    if settings.RENDERER == TORCH:
        _check_memory(sum(pyramid_bytes(file.width, file.height) for file in files), len(files))


def _check_memory(needed: int, photos: int) -> None:
    if photos > 1 and needed > CACHE_BYTES:
        raise MonoImageError(
            f"{WHERE}.RENDERER={TORCH} needs all photos in memory, and these {photos} take {needed / 2**30:.1f} GiB "
            f"where {CACHE_BYTES / 2**30:.0f} is the most: take fewer photos, or RENDERER={OPENCV}"
        )
