"""RotNet (Gidaris et al., ICLR 2018, arXiv 1803.07728): predict by which of four rotations an image was turned.

VISSL's `ImgRotatePil` draws one rotation an image, before the random crop. RotNet's authors show the network all four
rotations of each image in one batch, and rotate after the crop and the flip (gidariss/FeatureLearningRotNet,
dataloader.py: the data set's transforms crop and flip, `_load_function` then rotates by 0, 90, 180 and 270 degrees
counter-clockwise). `FourRotations` with `four_rotations_collator` does the same; it belongs after the crop and the
flip, before `ToTensor`.
"""

from __future__ import annotations

from typing import Any

import torch
from classy_vision.dataset.transforms import register_transform
from classy_vision.dataset.transforms.classy_transform import ClassyTransform
from PIL import Image
from vissl.data.collators import register_collator
from vissl.data.ssl_transforms import ssl_transforms_wrapper

from vissl_monoimage.compat.private_api import return_copies
from vissl_monoimage.errors import MonoImageError

ROTATIONS = 4
_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


@register_transform("FourRotations")
class FourRotations(ClassyTransform):
    """Turn a square PIL image by 0, 90, 180 and 270 degrees counter-clockwise.

    Pixels are moved, not resampled. VISSL applies the transforms after it to each of the four images.
    """

    def __call__(self, image: Image.Image) -> list[Image.Image]:
        """Return the four images.

        Raises:
            MonoImageError: the image is not square.
        """
        if image.width != image.height:
            raise MonoImageError(
                f"FourRotations needs square images, not {image.width} x {image.height}: "
                "put it after the crop in config.DATA.*.TRANSFORMS"
            )
        return [image, *(image.transpose(turn) for turn in _TURNS)]


return_copies(ssl_transforms_wrapper, FourRotations.__name__)


@register_collator("four_rotations_collator")
def four_rotations_collator(batch: list[dict[str, list[Any]]]) -> dict[str, list[torch.Tensor]]:
    """Make one batch of 4 N images with labels 0, 1, 2, 3, 0, 1, ... from N samples of four images each.

    The four rotations of an image are neighbours, as in the authors' batches. Labels of the data source are dropped.

    Returns:
        `data` (4 N, C, H, W); `label`, `data_valid` and `data_idx` (4 N,), each in a list of one.

    Raises:
        MonoImageError: a sample does not hold four images.
    """
    for sample in batch:
        if len(sample["data"]) != ROTATIONS:
            raise MonoImageError(
                f"four_rotations_collator needs {ROTATIONS} images a sample, got {len(sample['data'])}: "
                "name FourRotations once in config.DATA.*.TRANSFORMS"
            )
    return {
        "data": [torch.stack([image for sample in batch for image in sample["data"]])],
        "label": [torch.arange(ROTATIONS).repeat(len(batch))],
        "data_valid": [torch.tensor([valid for sample in batch for valid in sample["data_valid"]])],
        "data_idx": [torch.tensor([index for sample in batch for index in sample["data_idx"]])],
    }
