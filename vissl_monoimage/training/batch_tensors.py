"""`ToTensor` and `Normalize` for the images of a batch at once: one by one they cost more than drawing a small crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional
from vissl.data.ssl_transforms import get_transform

Sample = dict[str, Any]


class BatchTensors:
    """The last transforms of a data set, applied to the samples of a batch: the same tensors as one by one, to the bit.

    Args:
        transforms: of TRANSFORMS in a configuration, `ToTensor` and the `Normalize` after it, or none.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]]) -> None:
        self._one_by_one = get_transform(transforms)
        self._colours = [(transform["mean"], transform["std"]) for transform in transforms[1:]]
        self._empty = not transforms

    def __call__(self, samples: list[Sample]) -> list[Sample]:
        """Return the samples with tensors (3, H, W) in the place of the images in their `data`.

        Images are transformed one by one if they are not RGB, or differ in size from one sample to the next.
        """
        if self._empty:
            return samples
        if not _of_one_kind(samples):
            return [self._one_by_one(sample) for sample in samples]
        for view in range(len(samples[0]["data"])):
            images = [sample["data"][view] for sample in samples]
            for sample, tensor in zip(samples, self._tensors(images).unbind(), strict=True):
                sample["data"][view] = tensor
        return samples

    def _tensors(self, images: Sequence[Image.Image]) -> Tensor:
        """Return RGB images of one size as (N, 3, H, W), normalised."""
        width, height = images[0].size
        pixels = torch.frombuffer(bytearray().join([image.tobytes() for image in images]), dtype=torch.uint8)
        tensors = torch.empty(len(images), 3, height, width)
        tensors.copy_(pixels.view(-1, height, width, 3).permute(0, 3, 1, 2)).div_(255)
        for mean, std in self._colours:
            functional.normalize(tensors, mean, std, inplace=True)
        return tensors


def _of_one_kind(samples: Sequence[Sample]) -> bool:
    """Whether view k is an RGB image of the same size in all samples, for each k."""
    if len({len(sample["data"]) for sample in samples}) != 1:
        return False
    views = zip(*(sample["data"] for sample in samples), strict=True)
    return all({_kind(image) for image in view} == {("RGB", view[0].size)} for view in views)


def _kind(image: Any) -> tuple[str, Any]:
    return (image.mode, image.size) if isinstance(image, Image.Image) else ("", None)
