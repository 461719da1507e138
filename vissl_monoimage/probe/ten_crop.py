"""The ten crops of a test image as one tensor."""

from __future__ import annotations

import torch
from classy_vision.dataset.transforms import register_transform
from classy_vision.dataset.transforms.classy_transform import ClassyTransform
from PIL import Image
from torchvision.transforms import functional

from vissl_monoimage.errors import MonoImageError


@register_transform("TenCropToTensor")
class TenCropToTensor(ClassyTransform):
    """Four corners and the centre of an image, and their mirror images (Krizhevsky 2012, sec. 4.1).

    Takes the place of ToTensor in a TRANSFORMS list: PIL image -> float tensor (10, channels, size, size) in
    [0, 1], in the order of torchvision's TenCrop. `Normalize` may follow, and VISSL's default collator stacks
    the samples to (batch, 10, channels, size, size), over whose crops `probe_model` averages the logits.

    Args:
        size: side of a crop in px.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, image: Image.Image) -> torch.Tensor:
        width, height = image.size
        if min(width, height) < self.size:
            raise MonoImageError(
                f"TenCropToTensor cannot cut {self.size} px crops from an image of {width}x{height} px: "
                "resize before it"
            )
        pixels = functional.to_tensor(image)
        crops = functional.five_crop(pixels, [self.size, self.size])
        return torch.stack([*crops, *functional.five_crop(pixels.flip(-1), [self.size, self.size])])
