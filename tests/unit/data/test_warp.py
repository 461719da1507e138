"""One warp against the authors' chain of PIL operations: same place, same black, no aliasing."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from peers.pil_chain import mean_psnr, render_with_pil
from PIL import Image

from vissl_monoimage.data.crops.params import Crop, draw_crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.render import centre_square, render
from vissl_monoimage.data.crops.warp import warp
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo

Pixels = NDArray[np.uint8]
PLAIN = dataclasses.replace(RECIPES["paper"], vflip=0.5, jitter=0.0)


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return load_photo(CATALOG["retina"].path).pixels


@pytest.fixture(scope="module")
def pyramid(photo: Pixels) -> Pyramid:
    return Pyramid.build(photo)


def of_size(size: int) -> Recipe:
    return dataclasses.replace(PLAIN, size=size)


@pytest.mark.parametrize(("size", "least"), [(256, 36.0), (128, 36.0), (64, 35.0), (33, 34.0), (32, 34.0)])
def test_agrees_with_the_chain_on_the_same_parameters(photo: Pixels, pyramid: Pyramid, size: int, least: float) -> None:
    assert mean_psnr(Image.fromarray(photo), pyramid, of_size(size), 40) > least


@pytest.mark.parametrize("size", [64, 33])
def test_black_falls_where_the_chain_has_it(size: int) -> None:
    """On a white photo the sample is the fill's shape itself; a pixel on the edge may round the other way."""
    white = np.full((600, 800, 3), 255, np.uint8)
    white_pyramid, peer = Pyramid.build(white), Image.fromarray(white)
    black = 0
    for index in range(150):
        crop = draw_crop(of_size(size), 800, 600, seed=1, split=0, index=index)
        ours = np.asarray(render(white_pyramid, crop, of_size(size)))
        theirs = np.asarray(render_with_pil(peer, crop, of_size(size)))
        assert set(np.unique(ours)) <= {0, 255}
        assert (ours != theirs).any(-1).mean() < 0.002
        black += int((ours == 0).sum())
    assert black > 0


def test_nothing_is_black_without_shear_or_with_the_photo_as_fill() -> None:
    pyramid = Pyramid.build(np.full((600, 800, 3), 255, np.uint8))
    for change in ({"shear": 0.0}, {"fill": "photo", "initial_crop": 0.0, "scale": (0.4, 0.7)}):
        recipe = dataclasses.replace(of_size(32), **change)
        for index in range(100):
            crop = draw_crop(recipe, 800, 600, seed=1, split=0, index=index)
            assert (warp(pyramid, crop, recipe)[..., :3] == 255).all()


def test_fill_photo_changes_only_what_black_covered(photo: Pixels, pyramid: Pyramid) -> None:
    recipe = of_size(64)
    with_photo = dataclasses.replace(recipe, fill="photo")
    changed = 0
    for index in range(40):
        crop = draw_crop(recipe, *photo.shape[1::-1], seed=2, split=0, index=index)
        black, filled = warp(pyramid, crop, recipe)[..., :3], warp(pyramid, crop, with_photo)[..., :3]
        differs = (black != filled).any(-1)
        assert (black[differs] == 0).all()
        changed += int(differs.sum())
    assert changed > 0


@pytest.mark.parametrize(("hflip", "vflip"), list(itertools.product([False, True], repeat=2)))
def test_a_plain_crop_is_the_resized_box(hflip: bool, vflip: bool, photo: Pixels, pyramid: Pyramid) -> None:
    """Without rotation and shear: the box resized by Pillow, its centre cut, mirrored."""
    recipe = of_size(32)
    crop = Crop(200, 300, 450, 450, 0.0, 0.0, vflip, hflip, None)
    resized = Image.fromarray(photo).crop((200, 300, 650, 750)).resize((45, 45), Image.Resampling.BICUBIC)
    expected = np.asarray(resized).astype(float)
    expected = expected[:, ::-1] if hflip else expected
    expected = expected[::-1] if vflip else expected
    ours = warp(pyramid, crop, recipe)[..., :3].astype(float)
    assert np.abs(ours - expected[6:38, 6:38]).mean() < 2.5


def test_a_crop_at_the_photos_own_scale_is_its_pixels(photo: Pixels, pyramid: Pyramid) -> None:
    crop = Crop(201, 303, 45, 45, 0.0, 0.0, False, False, None)
    assert (warp(pyramid, crop, of_size(32))[..., :3] == photo[309:341, 207:239]).all()


def test_no_aliasing_on_a_zone_plate() -> None:
    """Rings too fine for the sample vanish to grey; read straight from the photo they would not."""
    side = 1024
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    # Radius r has r / side cycles a px: the rim is at half a cycle, the finest a photo can hold.
    rings = 127.5 + 127.5 * np.cos(np.pi * (x**2 + y**2) / side)
    pyramid = Pyramid.build(np.repeat(rings[..., None], 3, axis=2).round().astype(np.uint8))
    recipe = dataclasses.replace(of_size(64), initial_crop=0.0, scale=(1.0, 1.0))
    whole = Crop(0, 0, side, side, 0.0, 0.0, False, False, None)
    resized = recipe.resized
    step = side / resized
    rows, columns = np.mgrid[:64, :64] + (resized - 64) / 2 + 0.5 - resized / 2
    cycles = np.hypot(rows, columns) * step / side * step  # a px of the sample
    fine = cycles > 1.0
    assert fine.sum() > 1000
    antialiased = warp(pyramid, whole, recipe)[..., 0].astype(float)
    pyramid.levels = pyramid.levels[:1] * len(pyramid.levels)
    aliased = warp(pyramid, whole, recipe)[..., 0].astype(float)
    assert antialiased[fine].std() < 3
    assert antialiased[cycles < 0.5].std() > 40
    assert aliased[fine].std() > 30


def test_levels_halve_every_four_and_are_resized_from_the_photo(photo: Pixels, pyramid: Pyramid) -> None:
    assert pyramid.levels[4].shape[:2] == (round(photo.shape[0] / 2), round(photo.shape[1] / 2))
    assert (pyramid.levels[0][..., :3] == photo).all()
    size = pyramid.levels[6].shape[1::-1]
    expected = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))
    assert (pyramid.levels[6][..., :3] == expected).all()
    assert pyramid.level_number(0.3) == 0
    assert pyramid.level_number(2.0) == 4
    assert pyramid.level_number(1e9) == len(pyramid.levels) - 1


def test_the_photo_itself_is_its_centre_square(photo: Pixels) -> None:
    wide = np.hstack([np.zeros_like(photo[:, :100]), photo, np.zeros_like(photo[:, :100])])
    ours = np.asarray(centre_square(Pyramid.build(wide), 64)).astype(float)
    expected = np.asarray(Image.fromarray(photo).resize((64, 64), Image.Resampling.BICUBIC)).astype(float)
    # Pillow reads across the edge of a box, so the outermost px differ.
    assert np.abs(ours - expected)[:, 2:-2].max() <= 1


def test_jpeg_is_the_released_round_trip(photo: Pixels, pyramid: Pyramid) -> None:
    recipe = of_size(64)
    crop = draw_crop(recipe, *photo.shape[1::-1], seed=2, split=0, index=1)
    plain = render(pyramid, crop, recipe)
    coarse = render(pyramid, crop, dataclasses.replace(recipe, jpeg=10))
    fine = render(pyramid, crop, dataclasses.replace(recipe, jpeg=95))
    errors = [np.abs(np.asarray(image, float) - np.asarray(plain, float)).mean() for image in (fine, coarse)]
    assert 0 < errors[0] < errors[1]
