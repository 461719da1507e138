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
from torch import Tensor
from vissl.data.collators import register_collator
from vissl.data.ssl_transforms import ssl_transforms_wrapper

from vissl_monoimage.compat.private_api import return_copies
from vissl_monoimage.errors import MonoImageError

ROTATIONS = 4
_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


@register_transform("FourRotations")
class FourRotations(ClassyTransform):
    """Turn a square PIL image by 0, 90, 180 and 270 degrees counter-clockwise.

    Pixels are moved, not resampled. VISSL applies the transforms after it to each of the four images; our data set
    leaves it to the collator where these are `ToTensor` and `Normalize` (`training/transform_order.py`).
    """

    def __call__(self, image: Image.Image) -> list[Image.Image]:
        """Return the four images.

        Raises:
            MonoImageError: the image is not square.
        """
        _check_square(image.width, image.height)
        return [image, *(image.transpose(turn) for turn in _TURNS)]


return_copies(ssl_transforms_wrapper, FourRotations.__name__)


@register_collator("four_rotations_collator")
def four_rotations_collator(batch: list[dict[str, list[Any]]]) -> dict[str, list[Tensor]]:
    """Make one batch of 4 N images with labels 0, 1, 2, 3, 0, 1, ... from N samples of one image, or of its rotations.

    The four rotations of an image are neighbours, as in the authors' batches. Labels of the data source are dropped.

    Args:
        batch: samples whose `data` has an image (C, H, W), or the four that `FourRotations` makes of it, or a row of
            numbers that an image will be rendered from.

    Returns:
        `data` (4 N, C, H, W), or the N rows; `label`, `data_valid` and `data_idx` (4 N,), each in a list of one.

    Raises:
        MonoImageError: a sample holds neither one nor four images, or they are not square.
    """
    counts = {len(sample["data"]) for sample in batch}
    if counts not in ({1}, {ROTATIONS}):
        raise MonoImageError(
            f"four_rotations_collator needs one image a sample or {ROTATIONS}, got {max(counts)}: "
            "name FourRotations once in config.DATA.*.TRANSFORMS"
        )
    images = torch.stack([image for sample in batch for image in sample["data"]])
    repeats = 1
    if counts == {1}:
        images = images if images.ndim == 2 else four_rotations(images)
        repeats = ROTATIONS
    return {
        "data": [images],
        "label": [torch.arange(ROTATIONS).repeat(len(batch))],
        **{
            key: [torch.tensor([value for sample in batch for value in sample[key]]).repeat_interleave(repeats)]
            for key in ("data_valid", "data_idx")
        },
    }


def four_rotations(images: Tensor) -> Tensor:
    """Return (4 N, C, S, S) of images (N, C, S, S), the four rotations of an image as neighbours.

    Raises:
        MonoImageError: the images are not square.
    """
    _check_square(images.shape[-1], images.shape[-2])
    return torch.stack([torch.rot90(images, turns, (2, 3)) for turns in range(ROTATIONS)], 1).flatten(0, 1)


four_rotations_collator.batched = FourRotations.__name__
four_rotations_collator.batch_transform = four_rotations


def _check_square(width: int, height: int) -> None:
    if width != height:
        raise MonoImageError(
            f"FourRotations needs square images, not {width} x {height}: "
            "put it after the crop in config.DATA.*.TRANSFORMS"
        )
