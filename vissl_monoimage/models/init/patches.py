"""Crops of one photo, and patches of them, which the methods of `models.init` learn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.init.images import Images
from vissl_monoimage.models.normalisation import Normalisation

PATCHES_PER_CROP = 8
"""At places drawn with replacement: thousands of crops give a varied sample at little cost."""
_CONTRAST = 1e-3  # of normalised colours; one grey level is 0.02


class Crops(Images):
    """The first `count` training samples of a photo by a recipe, (3, size, size), normalised.

    A pretraining with the same SIZE and SEED in `config.MONOIMAGE.SOURCE` sees the same samples.

    Args:
        photo: a name of the catalog or a file; several photos (a folder, a list) get even shares.
        size: side of the crops in px.
        count: number of crops, at least one per photo.
        seed: of the crops.
        normalisation: of the colours.
        recipe: keys of `config.MONOIMAGE.SOURCE` that change the released recipe.

    Attributes:
        settings: as they would stand in `config.MONOIMAGE.SOURCE`.
        source: the crops as images.

    Raises:
        MonoImageError: a bad photo, or a number out of range.
    """

    def __init__(
        self,
        photo: str,
        size: int,
        count: int,
        seed: int,
        normalisation: Normalisation,
        recipe: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(normalisation)
        self.settings = {**(recipe or {}), "SIZE": size, "NUM_SAMPLES": count, "SEED": seed}
        self.source = SingleImageCrops(photo, read_source_block(self.settings))

    def __len__(self) -> int:
        return len(self.source)

    def image(self, index: int) -> Image.Image:
        return self.source[index]


def draw_patches(
    maps: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], draw: torch.Generator
) -> Tensor:
    """Return the input patches of a convolution at PATCHES_PER_CROP random places of each map.

    Args:
        maps: (N, channels, height, width).
        kernel: height and width of the convolution.
        stride: of the convolution.
        padding: of the convolution, with zeros.
        draw: draws the places.

    Returns:
        (N * PATCHES_PER_CROP, channels * kernel height * kernel width).
    """
    columns = F.unfold(maps, kernel, padding=padding, stride=stride)
    count, width, places = columns.shape
    where = torch.randint(places, (count, 1, PATCHES_PER_CROP), generator=draw)
    return columns.gather(2, where.expand(-1, width, -1)).transpose(1, 2).flatten(0, 1)


def check_crops(crops: Images, filters: int) -> None:
    """Check that `filters` filters can be learned from the crops.

    Raises:
        MonoImageError: they give fewer patches than there are filters, or the first batch of them has no contrast.
    """
    least = -(-filters // PATCHES_PER_CROP)
    if len(crops) < least:
        raise MonoImageError(f"--crops={len(crops)} is too few to learn {filters} filters from: give at least {least}")
    if float(next(iter(crops.batches())).std(dim=(0, 2, 3)).max()) < _CONTRAST:
        raise MonoImageError("the crops have no contrast, so there is nothing to learn from: take another photo")
