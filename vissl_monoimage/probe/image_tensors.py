"""Whole batches of a data set's transformed images from one array of pixels, without a call for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Subset

from vissl_monoimage.data.decoded_images import MOST_BYTES, decoded_images, kept_images
from vissl_monoimage.data.disk_images_vissl import DiskImages
from vissl_monoimage.data.photo_order import source_indices
from vissl_monoimage.data.photo_patches import PhotoPatches
from vissl_monoimage.data.photo_patches_vissl import PhotoPatchesSource
from vissl_monoimage.data.photos.decode import Pixels
from vissl_monoimage.training.seeding import SeededSSLDataset
from vissl_monoimage.utils.progress import track

_KEYS = {"Resize": {"name", "size"}, "ToTensor": {"name"}, "Normalize": {"name", "mean", "std"}}


class ImageTensors:
    """Images that need no more than scaling to [0, 1] and normalising, with their labels.

    Args:
        pixels: uint8 (images, size, size, 3).
        labels: int64 (images,).
        normalise: the transform `Normalize` of a TRANSFORMS list.
    """

    def __init__(self, pixels: Pixels, labels: NDArray[np.int64], normalise: Mapping[str, Any]) -> None:
        self._pixels, self._labels = pixels, labels
        self._mean, self._std = (torch.tensor(normalise[key]).float().view(-1, 1, 1) for key in ("mean", "std"))

    def batch(self, span: slice) -> tuple[Tensor, Tensor]:
        """Return images, float32 (batch, 3, size, size), to the bit as torchvision makes them, and labels (batch,)."""
        pixels = torch.from_numpy(self._pixels[span]).permute(0, 3, 1, 2).contiguous()
        return pixels.float().div(255).sub_(self._mean).div_(self._std), torch.from_numpy(self._labels[span])


def image_tensors(images: Dataset[Any]) -> ImageTensors | None:
    """Return the samples of VISSL's data set, or of a part of it, None where their transforms are more than arithmetic.

    Images on the disk are decoded here where they are not kept (`decoded_images`) and no loader worker would do it.

    Args:
        images: a split as a task has it, or a Subset of one.
    """
    indices = np.arange(len(images))  # type: ignore[arg-type]  # torch's data sets need not have a length
    while isinstance(images, Subset):
        indices, images = np.asarray(images.indices)[indices], images.dataset
    if type(images) is not SeededSSLDataset or len(images.data_objs) != 1 or len(images.label_sources) != 1:
        return None
    if not images.labels_init:
        images.load_labels()
    labels, indices = images.label_objs[0], source_indices(images, indices)
    transforms = list(images.cfg["DATA"][images.split]["TRANSFORMS"])
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or not _is_arithmetic(transforms):
        return None
    pixels = _pixels(images.data_objs[0], indices, images.cfg["DATA"]["NUM_DATALOADER_WORKERS"])
    if pixels is None or ("size" in transforms[0] and pixels.shape[1:3] != (transforms[0]["size"],) * 2):
        return None
    return ImageTensors(pixels, labels[indices].astype(np.int64), transforms[-1])


def _is_arithmetic(transforms: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether these transforms only scale and normalise images that have the size of `Resize` already."""
    names = [transform["name"] for transform in transforms]
    return names in (["Resize", "ToTensor", "Normalize"], ["ToTensor", "Normalize"]) and all(
        set(transform) == _KEYS[transform["name"]] for transform in transforms
    )


def _pixels(source: Any, indices: NDArray[np.int64], workers: int) -> Pixels | None:
    """Return the pixels of these images of a source, (images, height, width, 3); None if they do not fit one array."""
    if isinstance(source, PhotoPatchesSource):
        return _patches(source.patches, indices)
    if not isinstance(source, DiskImages):
        pixels = getattr(getattr(source, "dataset", None), "data", None)  # CIFAR of torchvision
        return pixels[indices] if isinstance(pixels, np.ndarray) and pixels.shape[3:] == (3,) else None
    if source.enable_queue_dataset:
        return None
    paths = [source.image_path(index) for index in indices.tolist()]
    kept = kept_images(paths)
    return decoded_images(paths) if kept is None and not workers else kept


def _patches(patches: PhotoPatches, indices: NDArray[np.int64]) -> Pixels | None:
    side = patches.config.SIZE
    if len(indices) * side * side * 3 > MOST_BYTES:
        return None
    pixels: Pixels = np.empty((len(indices), side, side, 3), np.uint8)
    for place, index in enumerate(track(indices.tolist(), "cutting patches", unit="patch")):
        pixels[place] = np.asarray(patches[index])
    return pixels
