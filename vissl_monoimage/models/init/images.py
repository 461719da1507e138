"""Images that initial weights are made from: crops of a photo (`patches.Crops`), white noise, a data set's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional

from vissl_monoimage.data.labelled_folder import open_split
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.normalisation import Normalisation

BATCH = 64


class Images(Dataset[Tensor], ABC):
    """Images of one size as normalised tensors (3, size, size).

    Args:
        normalisation: of the colours.

    Attributes:
        settings: what the images depend on beside the files they are made from.
    """

    settings: dict[str, Any]

    def __init__(self, normalisation: Normalisation) -> None:
        self._normalisation = normalisation

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def image(self, index: int) -> Image.Image:
        """Return image `index`, RGB, before the normalisation."""

    def __getitem__(self, index: int) -> Tensor:
        return self.normalise(functional.to_tensor(self.image(index)))

    @property
    def colours(self) -> dict[str, list[float]]:
        """Mean and standard deviation of the normalisation."""
        return {"mean": [*self._normalisation.mean], "std": [*self._normalisation.std]}

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return `pixels` (..., 3, height, width) of values in [0, 1], normalised."""
        normalised: Tensor = functional.normalize(pixels, [*self._normalisation.mean], [*self._normalisation.std])
        return normalised

    def batches(self) -> DataLoader[Tensor]:
        """Return a loader of all images in order, (<= 64, 3, size, size) at a time.

        Each pass makes the images again, so that none are kept in memory.
        """
        return DataLoader(self, batch_size=BATCH)

    def pixels(self) -> Tensor:
        """Return all images as they are before the normalisation: uint8 (N, 3, size, size)."""
        return torch.stack([functional.pil_to_tensor(self.image(index)) for index in range(len(self))])


class Noise(Images):
    """White noise: every channel of every pixel uniform in 0..255 and independent of all others.

    Args:
        size: side in px.
        count: number of images.
        seed: another seed draws other images.
        normalisation: of the colours.
    """

    def __init__(self, size: int, count: int, seed: int, normalisation: Normalisation) -> None:
        super().__init__(normalisation)
        self.settings = {"SIZE": size, "NUM_SAMPLES": count, "SEED": seed}
        self._size, self._count, self._seed = size, count, seed

    def __len__(self) -> int:
        return self._count

    def image(self, index: int) -> Image.Image:
        shape = (self._size, self._size, 3)
        return Image.fromarray(np.random.default_rng([self._seed, index]).integers(0, 256, shape, dtype=np.uint8))


class TrainingImages(Images):
    """Training images of a data set, drawn without replacement; resized and cropped in the centre if they are larger.

    Args:
        name: of the data set.
        folder: with torchvision's files of the data set, if it is CIFAR, or `train/<class>/` with images.
        size: side in px.
        count: number of images.
        seed: of the draw.
        normalisation: of the colours.

    Attributes:
        name: of the data set.
        source: torchvision's data set of all training images.

    Raises:
        MonoImageError: the folder has no training images, or fewer than `count`.
    """

    def __init__(self, name: str, folder: Path, size: int, count: int, seed: int, normalisation: Normalisation) -> None:
        super().__init__(normalisation)
        self.settings = {"SIZE": size, "NUM_SAMPLES": count, "SEED": seed}
        self.name, self.source, self._size = name, open_split(name, folder, "TRAIN"), size
        available = len(self.source)
        if not 0 < count <= available:
            raise MonoImageError(f"--crops={count} must be between 1 and {available}, the training images of {name}")
        self._numbers: Sequence[int] = np.random.default_rng(seed).permutation(available)[:count].tolist()

    def __len__(self) -> int:
        return len(self._numbers)

    def image(self, index: int) -> Image.Image:
        image: Image.Image = self.source[self._numbers[index]][0].convert("RGB")
        if image.size == (self._size, self._size):
            return image
        resized: Image.Image = functional.center_crop(functional.resize(image, [self._size]), [self._size])
        return resized
