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
    """The four corners and the centre of an image, and their mirror images (Krizhevsky et al., 2012, sec. 4.1).

    Takes the place of ToTensor in a TRANSFORMS list. `Normalize` may follow; VISSL's default collator stacks the
    samples to (batch, 10, channels, size, size), and `probe_model` averages the logits over the ten crops.

    Args:
        size: side of a crop in px.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Return the crops of `image`, float (10, channels, size, size) in [0, 1], in torchvision's order.

        Raises:
            MonoImageError: the image is smaller than a crop.
        """
        width, height = image.size
        if min(width, height) < self.size:
            raise MonoImageError(
                f"TenCropToTensor cannot cut {self.size} px crops from an image of {width}x{height} px: resize it first"
            )
        return torch.stack(functional.ten_crop(functional.to_tensor(image), [self.size, self.size]))
