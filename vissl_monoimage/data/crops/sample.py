"""Sample i of the crops of N photos."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vissl_monoimage.data.crops.params import Crop, draw_crop
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.render import centre_square, render
from vissl_monoimage.data.photos.cache import PyramidCache

TRAIN, TEST = 0, 1
Index = TypeVar("Index", int, NDArray[np.int64])


def photo_of(index: Index, photos: int) -> Index:
    """Return the number of the photo that sample `index` is drawn from: `photos` photos take turns."""
    return index % photos


def sample(
    photos: PyramidCache, recipe: Recipe, index: int, *, seed: int, split: int = TRAIN, epoch: int = 0
) -> Image.Image:
    """Return sample `index`, RGB and `recipe.size` px squared, a pure function of the arguments.

    As the paper counts them (N source images and d - N augmentations), training samples 0 to N-1 are the photos
    themselves (centre square, resized). Every other sample i is a crop of photo i mod N, so that the photos take even
    shares. The test split has crops only, drawn independently of those of the training split.

    Args:
        photos: the pyramids of the N photos.
        recipe: how a crop is drawn.
        index: number of the sample in its split.
        seed: another seed draws other crops.
        split: TRAIN or TEST.
        epoch: the training epoch, where crops are drawn anew in every epoch.
    """
    pyramid = photos[photo_of(index, len(photos))]
    crop = draw_sample(photos, recipe, index, seed=seed, split=split, epoch=epoch)
    return render(pyramid, crop, recipe) if crop else centre_square(pyramid, recipe.size)


def draw_sample(
    photos: PyramidCache, recipe: Recipe, index: int, *, seed: int, split: int = TRAIN, epoch: int = 0
) -> Crop | None:
    """Return the parameters of sample `index`, a function of the arguments of `sample`; None for a photo itself."""
    if split == TRAIN and index < len(photos):
        return None
    pyramid = photos[photo_of(index, len(photos))]
    return draw_crop(recipe, pyramid.width, pyramid.height, seed=seed, split=split, index=index, epoch=epoch)
