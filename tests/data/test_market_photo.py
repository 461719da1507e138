"""The paper's market photo: agreement with the authors' chain at the numbers the design asks for.

`make bench` draws a thousand crops.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from peers.pil_chain import LEAST_PSNR, mean_psnr
from PIL import Image

from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.data.photos.decode import load_photo


@pytest.mark.parametrize("size", LEAST_PSNR)
def test_mean_psnr_over_three_hundred_draws(data_dir: Path, size: int) -> None:
    pixels = load_photo(data_dir / "images" / "ameyoko.jpg").pixels
    recipe = dataclasses.replace(RECIPES["released"], size=size, jitter=0.0)
    assert mean_psnr(Image.fromarray(pixels), Pyramid.build(pixels), recipe, 300) >= LEAST_PSNR[size]


def test_the_bridge_has_an_alpha_channel_that_hides_nothing(data_dir: Path) -> None:
    photo = load_photo(data_dir / "images" / "golden_gate.png")
    assert photo.size == (1165, 585)
    assert photo.notes == []
