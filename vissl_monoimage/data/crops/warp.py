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
from vissl_monoimage.data.crops.params import Crop
from vissl_monoimage.data.crops.pyramid import Pixels, Pyramid
from vissl_monoimage.data.crops.recipe import Recipe

use_one_opencv_thread()

_LINEAR = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_NEAREST = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
Affine = tuple[float, float, float, float, float, float]


def sample_to_resized(crop: Crop, recipe: Recipe) -> Affine:
    """Return (a, b, c, d, e, f): point (x, y) of the sample is (a x + b y + c, d x + e y + f) of the resized crop.

    Points are continuous, in px from the upper left corner. The release's operations are undone in reverse: centre
    crop, flips, the affine about the centre, which is R(rotation) [[1, -tan(shear)], [0, 1]] in torchvision.
    """
    resized = recipe.resized
    offset = round((resized - recipe.size) / 2.0)
    half = resized / 2.0
    angle = math.radians(crop.rotation)
    cos, sin, tan = math.cos(angle), math.sin(angle), math.tan(math.radians(crop.shear))
    a, b = cos - tan * sin, sin + tan * cos
    d, e = -sin, cos
    # The point relative to the centre, after undoing the flips: sx (x + offset - half).
    shift_x = shift_y = offset - half
    if crop.hflip:
        a, d, shift_x = -a, -d, shift_x
    if crop.vflip:
        b, e, shift_y = -b, -e, shift_y
    return a, b, a * shift_x + b * shift_y + half, d, e, d * shift_x + e * shift_y + half


def warp(pyramid: Pyramid, crop: Crop, recipe: Recipe) -> Pixels:
    """Return the sample before colour jitter, uint8 (size, size, 4); the fourth channel is padding."""
    affine = sample_to_resized(crop, recipe)
    a, b, c, d, e, f = affine
    size, resized = recipe.size, recipe.resized
    step_x, step_y = crop.width / resized, crop.height / resized
    level = pyramid.level_for(math.sqrt(step_x * step_y))
    # Photo px to level px; the half moves from points to OpenCV's pixel centres.
    to_x, to_y = level.shape[1] / pyramid.width, level.shape[0] / pyramid.height
    kx, ky = step_x * to_x, step_y * to_y
    matrix = np.array(
        (
            (kx * a, kx * b, kx * (c + 0.5 * (a + b)) + crop.left * to_x - 0.5),
            (ky * d, ky * e, ky * (f + 0.5 * (d + e)) + crop.top * to_y - 0.5),
        )
    )
    border = cv2.BORDER_REFLECT_101 if recipe.fill == "photo" else cv2.BORDER_REPLICATE
    sample = cv2.warpAffine(level, matrix, (size, size), flags=_LINEAR, borderMode=border)
    if recipe.fill == "black" and not _all_inside(affine, size, resized):
        sample = cv2.copyTo(sample, _inside_mask(affine, size, resized))
    return sample


def _all_inside(affine: Affine, size: int, resized: int) -> bool:
    """Whether every pixel centre of the sample lies in the resized crop (its four corners decide)."""
    a, b, c, d, e, f = affine
    middle, reach = size / 2.0, (size - 1) / 2.0
    half = resized / 2.0
    return (
        abs((a + b) * middle + c - half) + (abs(a) + abs(b)) * reach < half
        and abs((d + e) * middle + f - half) + (abs(d) + abs(e)) * reach < half
    )


def _inside_mask(affine: Affine, size: int, resized: int) -> Pixels:
    """Return (size, size), 255 where a pixel's centre lies in the resized crop; the release fills the rest black."""
    a, b, c, d, e, f = affine
    matrix = np.array(((a, b, c + 0.5 * (a + b) - 0.5), (d, e, f + 0.5 * (d + e) - 0.5)))
    mask: Pixels = cv2.warpAffine(_ones(resized), matrix, (size, size), flags=_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    return mask


@cache
def _ones(side: int) -> Pixels:
    return np.full((side, side), 255, dtype=np.uint8)
