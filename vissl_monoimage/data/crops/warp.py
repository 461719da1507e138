"""The geometry of a crop as one affine warp: crop, resize, rotation, shear, flips and centre crop composed.

It agrees with the authors' chain of PIL operations (crop, bicubic resize with antialiasing, bilinear affine with black
fill, flip, centre crop) on equal parameters; `benchmarks/speed/crops.py` measures how well.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np

from vissl_monoimage.compat.process_settings import use_one_opencv_thread
from vissl_monoimage.data.crops.buffers import Buffers, Pixels
from vissl_monoimage.data.crops.params import Crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import Recipe

use_one_opencv_thread()

_LINEAR = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_NEAREST = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
Affine = tuple[float, float, float, float, float, float]


def sample_to_resized(crop: Crop, size: int, resized: int) -> Affine:
    """Return (a, b, c, d, e, f): point (x, y) of the sample is (a x + b y + c, d x + e y + f) of the resized crop.

    Points are continuous, in px from the upper left corner. The release's operations are undone in reverse: centre
    crop, flips, the affine about the centre, which is R(rotation) [[1, -tan(shear)], [0, 1]] in torchvision.

    Args:
        crop: its rotation, shear and flips are read.
        size: px, side of the sample.
        resized: px, side of the resized crop.
    """
    half = resized / 2.0
    angle = math.radians(crop.rotation)
    cos, sin, tan = math.cos(angle), math.sin(angle), math.tan(math.radians(crop.shear))
    a, b = cos - tan * sin, sin + tan * cos
    d, e = -sin, cos
    # The sample's corner relative to the centre; a flip mirrors an axis.
    shift = round((resized - size) / 2.0) - half
    if crop.hflip:
        a, d = -a, -d
    if crop.vflip:
        b, e = -b, -e
    return a, b, a * shift + b * shift + half, d, e, d * shift + e * shift + half


def warp(pyramid: Pyramid, crop: Crop, recipe: Recipe, buffers: Buffers | None = None) -> Pixels:
    """Return the sample before colour jitter, uint8 (size, size, 4); the fourth channel is padding.

    Args:
        pyramid: of the photo.
        crop: the parameters.
        recipe: how crops are made.
        buffers: for crops of this size; what is returned lies in them. None makes new arrays.
    """
    size, resized = recipe.size, recipe.resized
    shape = size, size
    buffers = buffers or Buffers(*shape)
    affine = sample_to_resized(crop, size, resized)
    number, to_level = sample_to_level(pyramid, crop, resized, affine)
    matrix = buffers.matrix(*to_level)
    border = cv2.BORDER_REFLECT_101 if recipe.fill == "photo" else cv2.BORDER_REPLICATE
    sample: Pixels = cv2.warpAffine(pyramid.level(number), matrix, shape, buffers.sample, _LINEAR, border)
    if recipe.fill == "black" and not _all_inside(affine, size, resized):
        buffers.masked.fill(0)
        sample = cv2.copyTo(sample, _inside_mask(affine, shape, resized, buffers), buffers.masked)
    return sample


def sample_to_level(pyramid: Pyramid, crop: Crop, resized: int, affine: Affine) -> tuple[int, Affine]:
    """Return the level of the pyramid that a crop is read from, and the affine from the sample to that level.

    The affine maps pixel centres at whole numbers, as OpenCV has them.

    Args:
        pyramid: of the photo.
        crop: its place and size are read.
        resized: px, side of the resized crop.
        affine: of `sample_to_resized`.
    """
    a, b, c, d, e, f = affine
    step_x, step_y = crop.width / resized, crop.height / resized
    number = pyramid.level_number(math.sqrt(step_x * step_y))
    # Photo px to level px; the half moves from points to OpenCV's pixel centres.
    level = pyramid.levels[number]
    to_x, to_y = level.shape[1] / pyramid.width, level.shape[0] / pyramid.height
    kx, ky = step_x * to_x, step_y * to_y
    return number, (
        kx * a, kx * b, kx * (c + 0.5 * (a + b)) + crop.left * to_x - 0.5,
        ky * d, ky * e, ky * (f + 0.5 * (d + e)) + crop.top * to_y - 0.5,
    )  # fmt: skip


def _all_inside(affine: Affine, size: int, resized: int) -> bool:
    """Whether every pixel centre of the sample lies in the resized crop (its four corners decide)."""
    a, b, c, d, e, f = affine
    middle, reach = size / 2.0, (size - 1) / 2.0
    half = resized / 2.0
    return (
        abs((a + b) * middle + c - half) + (abs(a) + abs(b)) * reach < half
        and abs((d + e) * middle + f - half) + (abs(d) + abs(e)) * reach < half
    )


def _inside_mask(affine: Affine, shape: tuple[int, int], resized: int, buffers: Buffers) -> Pixels:
    """Return (size, size), 255 where a pixel's centre lies in the resized crop; the release fills the rest black."""
    a, b, c, d, e, f = affine
    matrix = buffers.matrix(a, b, c + 0.5 * (a + b) - 0.5, d, e, f + 0.5 * (d + e) - 0.5)
    mask: Pixels = cv2.warpAffine(_ones(resized), matrix, shape, buffers.inside, _NEAREST, cv2.BORDER_CONSTANT)
    return mask


@cache
def _ones(side: int) -> Pixels:
    return np.full((side, side), 255, dtype=np.uint8)
