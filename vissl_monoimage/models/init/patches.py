"""Crops of one photo as tensors, and patches of them: what the learned baselines see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional

from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.errors import MonoImageError

PATCHES_PER_CROP = 8
"""Of every crop, at places drawn with replacement: thousands of crops give a varied sample at little cost."""
_BATCH = 64
_CONTRAST = 1e-3  # of normalised colours; one grey level is 0.02


@dataclass(frozen=True)
class Normalisation:
    """mean, std: of each channel of images in [0, 1], as VISSL's transform `Normalize` takes them."""

    mean: list[float]
    std: list[float]


class Crops(Dataset[Tensor]):
    """The first `count` training samples of a photo by the released recipe, (3, size, size), normalised.

    They are those that a pretraining with the same SIZE and SEED in `config.MONOIMAGE.SOURCE` sees.

    Args:
        photo: a name of the catalog or a file; one that stands for several (a folder, a list) gives even shares.
        size: px. count: how many, at least one a photo. seed: another one draws other crops.

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
        normalised: Tensor = functional.normalize(pixels, self._normalisation.mean, self._normalisation.std)
        return normalised

    def batches(self) -> DataLoader[Tensor]:
        """All crops in order, (<= 64, 3, size, size) at a time; drawn again in every pass, so that none are kept."""
        return DataLoader(self, batch_size=_BATCH)


def draw_patches(
    maps: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], draw: torch.Generator
) -> Tensor:
    """What a convolution would look at, at PATCHES_PER_CROP random places of each map.

    (N, channels, height, width) -> (N * PATCHES_PER_CROP, channels * kernel height * kernel width).
    """
    columns = F.unfold(maps, kernel, padding=padding, stride=stride)
    count, width, places = columns.shape
    where = torch.randint(places, (count, 1, PATCHES_PER_CROP), generator=draw)
    return columns.gather(2, where.expand(-1, width, -1)).transpose(1, 2).flatten(0, 1)


def check(crops: Crops, filters: int) -> None:
    """Can so many filters be learned from these crops?

    Raises:
        MonoImageError: they give fewer patches than there are filters, or the first of them are all one colour.
    """
    least = -(-filters // PATCHES_PER_CROP)
    if len(crops) < least:
        raise MonoImageError(f"--crops={len(crops)} is too few to learn {filters} filters from: give at least {least}")
    if float(next(iter(crops.batches())).std(dim=(0, 2, 3)).max()) < _CONTRAST:
        raise MonoImageError("the crops have no contrast, so there is nothing to learn from: take another photo")
