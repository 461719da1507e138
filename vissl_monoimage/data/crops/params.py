"""The random parameters of one crop: a pure function of (seed, split, index[, epoch]), the recipe and the photo's size.

Uniform numbers come from a counter-based generator (BLAKE2b of the counters: cheap, and equal on every machine), so
that any crop can be drawn without those before it. Each part of the recipe has a number of its own: switching one part
off leaves the numbers of all others as they were, so that the arms of an ablation differ in that part alone.
"""

from __future__ import annotations

import math
import struct
from hashlib import blake2b
from itertools import permutations
from typing import NamedTuple

from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.errors import MonoImageError

_COUNTERS = struct.Struct("<qqqqq")
_UNIFORMS = struct.Struct("<16I")
_UNIT = 2.0**-32
_ORDERS = tuple(permutations(range(4)))
_MOST_REDRAWS = 20_000

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


class Jitter(NamedTuple):
    """The parameters of colour jitter.

    Attributes:
        factors: of brightness, contrast and saturation, and the shift of the hue in turns.
        order: positions in `factors`, in the order in which they are applied.
    """

    factors: tuple[float, float, float, float]
    order: tuple[int, ...]


class Crop(NamedTuple):
    """The parameters of one crop: a box of the photo in px, degrees, flips, and colour jitter or None."""

    left: int
    top: int
    width: int
    height: int
    rotation: float
    shear: float
    vflip: bool
    hflip: bool
    jitter: Jitter | None


def uniforms(seed: int, split: int, epoch: int, index: int, attempt: int = 0) -> tuple[int, ...]:
    """Return sixteen independent integers, uniform in [0, 2**32), a pure function of the five counters."""
    return _UNIFORMS.unpack(blake2b(_COUNTERS.pack(seed, split, epoch, index, attempt)).digest())


def draw_crop(recipe: Recipe, width: int, height: int, *, seed: int, split: int, index: int, epoch: int = 0) -> Crop:
    """Draw the parameters of crop `index`.

    Args:
        recipe: what is drawn, and in which ranges.
        width: of the photo, in px.
        height: of the photo, in px.
        seed: another seed draws other crops.
        split: 0 for the training split, 1 for the test split.
        index: number of the crop in its split.
        epoch: the training epoch, where crops are drawn anew in every epoch.

    Raises:
        MonoImageError: scale and aspect leave (almost) no crop that fits.
    """
    u = uniforms(seed, split, epoch, index)
    ranges = _ranges(recipe, width, height)
    left, top = u[0] * ranges.lefts >> 32, u[1] * ranges.tops >> 32
    box_width, box_height = region_width, region_height = ranges.region
    if recipe.scale != (1.0, 1.0):
        box_width, box_height = _fitting_box(ranges, u, (seed, split, epoch, index))
        left += u[4] * (region_width - box_width + 1) >> 32
        top += u[5] * (region_height - box_height + 1) >> 32
    return Crop(
        left, top, box_width, box_height,
        recipe.rotation * (u[6] * _UNIT * 2 - 1),
        recipe.shear * (u[7] * _UNIT * 2 - 1),
        u[8] * _UNIT < recipe.vflip,
        u[9] * _UNIT < recipe.hflip,
        _draw_jitter(recipe, u) if u[10] * _UNIT < recipe.jitter else None,
    )  # fmt: skip


class _Ranges(NamedTuple):
    """What crops of one photo are drawn from: computed once, because most data sets have a single photo.

    Attributes:
        recipe: of the crops.
        photo: (width, height) in px.
        region: (width, height) of the initial crop in px.
        lefts: number of places for its left edge.
        tops: number of places for its upper edge.
        area: of the initial crop, in square px.
        least_log: logarithm of the least aspect.
        log_range: logarithm of the greatest aspect, minus that.
    """

    recipe: Recipe
    photo: tuple[int, int]
    region: tuple[int, int]
    lefts: int
    tops: int
    area: int
    least_log: float
    log_range: float


_latest: list[_Ranges] = []


def _ranges(recipe: Recipe, width: int, height: int) -> _Ranges:
    """Return the ranges for this photo, those of the last call where it was the same recipe and size."""
    for ranges in _latest:
        if ranges.recipe is recipe and ranges.photo == (width, height):
            return ranges
    region_width, region_height = recipe.region(width, height)
    least_log = math.log(recipe.aspect[0])
    ranges = _Ranges(
        recipe, (width, height), (region_width, region_height),
        width - region_width + 1, height - region_height + 1, region_width * region_height,
        least_log, math.log(recipe.aspect[1]) - least_log,
    )  # fmt: skip
    _latest[:] = [ranges]
    return ranges


def _fitting_box(ranges: _Ranges, u: tuple[int, ...], counters: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return (width, height) in px: area uniform, aspect log-uniform, drawn again until the box fits."""
    width, height = ranges.region
    least_area, most_area = ranges.recipe.scale
    area_unit, aspect_unit = u[2] * _UNIT, u[3] * _UNIT
    attempt, spare = 0, 16
    while True:
        area = ranges.area * (least_area + (most_area - least_area) * area_unit)
        aspect = math.exp(ranges.least_log + ranges.log_range * aspect_unit)
        box_width, box_height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < box_width <= width and 0 < box_height <= height:
            return box_width, box_height
        if spare == 16:
            attempt, spare = attempt + 1, 0
            if attempt > _MOST_REDRAWS:
                recipe = ranges.recipe
                raise MonoImageError(
                    f"no crop with SCALE={list(recipe.scale)} and ASPECT={list(recipe.aspect)} "
                    f"fits into {width}x{height} px"
                )
            u = uniforms(*counters, attempt)
        area_unit, aspect_unit = u[spare] * _UNIT, u[spare + 1] * _UNIT
        spare += 2


def _draw_jitter(recipe: Recipe, u: tuple[int, ...]) -> Jitter:
    brightness, contrast, saturation, hue = recipe.jitter_strength
    return Jitter(
        (
            1 + brightness * (u[11] * _UNIT * 2 - 1),
            1 + contrast * (u[12] * _UNIT * 2 - 1),
            1 + saturation * (u[13] * _UNIT * 2 - 1),
            hue * (u[14] * _UNIT * 2 - 1),
        ),
        _ORDERS[u[15] * 24 >> 32],
    )
