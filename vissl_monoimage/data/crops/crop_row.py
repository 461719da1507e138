"""The parameters of a crop as a row of numbers, of which `torch_renderer` renders a whole batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vissl_monoimage.data.crops.params import Crop
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.sample import TRAIN, draw_sample, photo_of
from vissl_monoimage.data.crops.warp import sample_to_level, sample_to_resized
from vissl_monoimage.data.photos.cache import PyramidCache

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_JitterNumbers = tuple[tuple[float, ...], tuple[int, ...]]
_NO_JITTER: _JitterNumbers = ((1.0, 1.0, 1.0, 0.0), (-1, -1, -1, -1))


class Columns(NamedTuple):
    """Where the parameters are in a row.

    `photo` and `level` of its pyramid, where the level behind the last one is the photo's centre square; `matrix`, from
    pixels of the sample to those of the level; `inside`, from points of the sample to those of the resized crop, beyond
    which it is black; `factors` of brightness, contrast and saturation, and the steps of the hue; `order`, in which
    these four are applied, -1 without colour jitter.
    """

    photo: slice = slice(0, 1)
    level: slice = slice(1, 2)
    matrix: slice = slice(2, 8)
    inside: slice = slice(8, 14)
    factors: slice = slice(14, 18)
    order: slice = slice(18, 22)


COLUMNS, WIDTH = Columns(), 22


def crop_row(
    photos: PyramidCache, recipe: Recipe, index: int, *, seed: int, split: int = TRAIN, epoch: int = 0
) -> Tensor:
    """Return the row of sample `index`, float32 (WIDTH,): the same draws as `sample.sample` with these arguments."""
    photo = photo_of(index, len(photos))
    pyramid = photos[photo]
    crop = draw_sample(photos, recipe, index, seed=seed, split=split, epoch=epoch)
    if crop is None:
        level, matrix, inside = len(pyramid.levels), _IDENTITY, _IDENTITY
    else:
        inside = sample_to_resized(crop, recipe.size, recipe.resized)
        level, matrix = sample_to_level(pyramid, crop, recipe.resized, inside)
    factors, order = _NO_JITTER if crop is None else _jitter(crop)
    return torch.tensor((photo, level, *matrix, *inside, *factors, *order), dtype=torch.float32)


def _jitter(crop: Crop) -> _JitterNumbers:
    if crop.jitter is None:
        return _NO_JITTER
    brightness, contrast, saturation, turns = crop.jitter.factors
    return (brightness, contrast, saturation, int(turns * 255)), crop.jitter.order
