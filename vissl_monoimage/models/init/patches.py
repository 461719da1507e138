"""Crops of one photo as tensors, and patches of them, which the methods of `models.init` learn from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional

from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.normalisation import Normalisation

PATCHES_PER_CROP = 8
"""At places drawn with replacement: thousands of crops give a varied sample at little cost."""
_BATCH = 64
_CONTRAST = 1e-3  # of normalised colours; one grey level is 0.02


class Crops(Dataset[Tensor]):
    """The first `count` training samples of a photo by the released recipe, (3, size, size), normalised.

    A pretraining with the same SIZE and SEED in `config.MONOIMAGE.SOURCE` sees the same samples.

    Args:
        photo: a name of the catalog or a file; several photos (a folder, a list) get even shares.
        size: side of the crops in px.
        count: number of crops, at least one per photo.
        seed: of the crops.
        normalisation: of the colours.

    Attributes:
        settings: as they would stand in `config.MONOIMAGE.SOURCE`.
        source: the crops as images.

    Raises:
        MonoImageError: a bad photo, or a number out of range.
    """

    def __init__(self, photo: str, size: int, count: int, seed: int, normalisation: Normalisation) -> None:
        self.settings = {"SIZE": size, "NUM_SAMPLES": count, "SEED": seed}
        self.source = SingleImageCrops(photo, read_source_block(self.settings))
        self._normalisation = normalisation

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Tensor:
        pixels = functional.to_tensor(self.source[index])
        normalised: Tensor = functional.normalize(pixels, [*self._normalisation.mean], [*self._normalisation.std])
        return normalised

    def batches(self) -> DataLoader[Tensor]:
        """Return a loader of all crops in order, (<= 64, 3, size, size) at a time.

        Each pass draws the crops again, so that none are kept in memory.
        """
        return DataLoader(self, batch_size=_BATCH)


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


def check_crops(crops: Crops, filters: int) -> None:
    """Check that `filters` filters can be learned from the crops.

    Raises:
        MonoImageError: they give fewer patches than there are filters, or the first batch of them has no contrast.
    """
    least = -(-filters // PATCHES_PER_CROP)
    if len(crops) < least:
        raise MonoImageError(f"--crops={len(crops)} is too few to learn {filters} filters from: give at least {least}")
    if float(next(iter(crops.batches())).std(dim=(0, 2, 3)).max()) < _CONTRAST:
        raise MonoImageError("the crops have no contrast, so there is nothing to learn from: take another photo")
