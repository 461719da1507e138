"""Colour jitter against torchvision's on PIL images, each operation and all of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import functional as tv

from vissl_monoimage.data.crops.color_jitter import jitter
from vissl_monoimage.data.crops.params import BRIGHTNESS, CONTRAST, HUE, SATURATION, Jitter, draw_crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.data.crops.warp import warp
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo

OPERATIONS = {
    BRIGHTNESS: tv.adjust_brightness,
    CONTRAST: tv.adjust_contrast,
    SATURATION: tv.adjust_saturation,
    HUE: tv.adjust_hue,
}
FACTORS = st.floats(0.0, 2.0)
COFFEE = load_photo(CATALOG["coffee"].path).pixels[100:228, 200:328].copy()


def torchvision_jitter(pixels: np.ndarray, drawn: Jitter) -> np.ndarray:
    image = Image.fromarray(pixels)
    for operation in drawn.order:
        image = OPERATIONS[operation](image, drawn.factors[operation])
    return np.asarray(image)


def difference(drawn: Jitter) -> np.ndarray:
    return np.abs(jitter(COFFEE, drawn).astype(int) - torchvision_jitter(COFFEE, drawn))


@settings(max_examples=30, deadline=None)
@given(factor=FACTORS)
@pytest.mark.parametrize("operation", [BRIGHTNESS, CONTRAST, SATURATION])
def test_linear_operations_agree_to_a_grey_level(operation: int, factor: float) -> None:
    factors = [1.0, 1.0, 1.0, 0.0]
    factors[operation] = factor
    off_by = difference(Jitter(tuple(factors), (operation,)))
    # Saturation also rounds the grey of each pixel.
    assert off_by.max() <= (2 if operation == SATURATION else 1)
    # Within 1e-4 of a whole factor the products lie just under whole numbers, where rounding is not truncation:
    # up to all pixels are then one level off, which a drawn factor meets once in some thousand times at most.
    if factor == round(factor) or abs(factor - round(factor)) > 2e-4:
        assert off_by.mean() < 0.1


@settings(max_examples=30, deadline=None)
@given(turn=st.floats(-0.5, 0.5))
def test_hue_agrees_up_to_pillows_coarse_hsv(turn: float) -> None:
    off_by = difference(Jitter((1.0, 1.0, 1.0, turn), (HUE,)))
    assert off_by.mean() < 2.0
    assert np.quantile(off_by, 0.99) <= 10


def test_a_whole_jitter_agrees_and_the_input_is_kept() -> None:
    before = COFFEE.copy()
    released = RECIPES["released"]
    drawn = [draw_crop(released, 640, 480, seed=0, split=0, index=i).jitter for i in range(60)]
    errors = [np.square(difference(one)).mean() for one in drawn if one]
    assert len(errors) > 15
    assert 10 * np.log10(255**2 / np.mean(errors)) > 38
    assert (before == COFFEE).all()


def test_order_matters_and_is_obeyed() -> None:
    factors = (1.4, 1.4, 0.6, 0.1)
    one, other = Jitter(factors, (0, 1, 2, 3)), Jitter(factors, (3, 2, 1, 0))
    assert difference(one).mean() < 2
    assert difference(other).mean() < 2
    assert np.abs(jitter(COFFEE, one).astype(int) - jitter(COFFEE, other)).mean() > 2


def test_black_stays_black_under_brightness_saturation_and_hue() -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    assert (jitter(black, Jitter((1.4, 1.0, 1.4, 0.1), (0, 2, 3))) == 0).all()


def test_jitter_comes_after_the_black_fill_as_in_the_release() -> None:
    """Contrast takes its mean over the black corners too."""
    from vissl_monoimage.data.crops.render import render

    recipe = dataclasses.replace(RECIPES["released"], size=64, jitter=1.0)
    pyramid = Pyramid.build(np.full((400, 400, 3), 200, np.uint8))
    for index in range(30):
        crop = draw_crop(recipe, 400, 400, seed=0, split=0, index=index)
        expected = torchvision_jitter(np.ascontiguousarray(warp(pyramid, crop, recipe)[..., :3]), crop.jitter)
        assert np.abs(np.asarray(render(pyramid, crop, recipe)).astype(int) - expected).max() <= 4
