"""Sample i of a data set made from N photos."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vissl_monoimage.data.crops.params import draw
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.render import render, whole_photo
from vissl_monoimage.data.photos.cache import PyramidStore

TRAIN, TEST = 0, 1
Index = TypeVar("Index", int, NDArray[np.int64])


def photo_of(index: Index, photos: int) -> Index:
    """Which of so many photos sample `index` comes from: they take turns."""
    return index % photos


def sample(
    photos: PyramidStore, recipe: Recipe, index: int, *, seed: int, split: int = TRAIN, epoch: int = 0
) -> Image.Image:
    """RGB image of `recipe.size` squared, a pure function of its arguments.

    As the paper counts them (N source images and d - N augmentations): training samples 0..N-1 are the photos
    themselves (centre square, resized), every other sample i is an augmentation of photo i mod N, so that the
    photos take even shares. The test split holds augmentations only, drawn apart from the training split's.
    """
    pyramid = photos[photo_of(index, len(photos))]
    if split == TRAIN and index < len(photos):
        return whole_photo(pyramid, recipe.size)
    crop = draw(recipe, pyramid.width, pyramid.height, seed=seed, split=split, index=index, epoch=epoch)
    return render(pyramid, crop, recipe)
