"""Crops rendered by torch for a whole batch against the usual renderer: the same draws, pixels within a tolerance."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from vissl_monoimage.data.crops.crop_row import crop_row
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.sample import TEST, TRAIN, sample
from vissl_monoimage.data.crops.torch_jitter import jitter_batch
from vissl_monoimage.data.crops.torch_renderer import TorchRenderer
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.data.photos.catalog import CATALOG

PHOTOS = [CATALOG[name].path for name in ("china", "coffee")]
# Grey levels, mean absolute difference: of any crop, and of many. OpenCV 4 rounds positions to 1/32 of a pixel.
CROP, MANY = (0.1, 0.005) if int(cv2.__version__.partition(".")[0]) >= 5 else (2.0, 0.25)


def recipe(name: str = "released", **changes: Any) -> Recipe:
    return dataclasses.replace(RECIPES[name], **{"size": 32, **changes})


def both(recipe: Recipe, count: int = 40, split: int = TRAIN) -> tuple[Tensor, Tensor]:
    """Return crops (N, 3, size, size) of two photos by the usual renderer, and by ours."""
    photos = PyramidCache(PHOTOS, recipe)
    usual = [np.asarray(sample(photos, recipe, index, seed=3, split=split)) for index in range(count)]
    rows = torch.stack([crop_row(photos, recipe, index, seed=3, split=split) for index in range(count)])
    return torch.from_numpy(np.stack(usual)).permute(0, 3, 1, 2).float(), TorchRenderer(photos, recipe)(rows)


@pytest.mark.parametrize(
    "recipe",
    [
        recipe(),
        recipe("paper", vflip=0.5),
        recipe(fill="photo", initial_crop=0.0, jitter=0.0),
        recipe(jitter=1.0, jitter_strength=(1.0, 1.0, 1.0, 0.5)),
        recipe(size=33, rotation=0.0, shear=0.0, scale=(1.0, 1.0)),
    ],
    ids=["released", "paper", "photo fill", "strong jitter", "odd size, no crop"],
)
def test_crops_are_those_of_the_usual_renderer_within_the_tolerance(recipe: Recipe) -> None:
    usual, ours = both(recipe)
    difference = (usual - ours).abs()
    assert ours.unique().frac().count_nonzero() == 0
    assert difference.mean((1, 2, 3)).max() < CROP
    assert difference.mean() < MANY
    assert difference[:2].max() == 0  # the photos themselves
    assert usual.std() > 20


def test_the_test_split_has_its_own_crops() -> None:
    usual, ours = both(recipe(), 6, TEST)
    assert (usual - ours).abs().mean() < MANY


@pytest.mark.parametrize("steps", [1, 25, -25, 100])
def test_a_shifted_hue_is_opencvs_or_its_neighbour(steps: int) -> None:
    """A hue is one of 256: rounded to the next one, the channel between largest and smallest is 255 * 6 / 256 off."""
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    hsv = cv2.cvtColor(colours, cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 0] += np.uint8(steps % 256)
    usual = torch.from_numpy(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)).permute(0, 2, 1)[..., None].float()
    images = torch.from_numpy(colours).permute(0, 2, 1)[..., None].float()
    factors, order = torch.tensor([[1.0, 1.0, 1.0, steps]]), torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    difference = (usual - jitter_batch(images, factors, order)).abs()
    assert difference.max() <= 7
    assert (difference.amax(1) > 0).float().mean() < 0.03


def test_a_crop_is_the_same_in_any_batch() -> None:
    wanted = recipe(jitter=1.0)
    photos = PyramidCache(PHOTOS, wanted)
    rows = torch.stack([crop_row(photos, wanted, index, seed=0) for index in range(9)])
    render = TorchRenderer(photos, wanted)
    assert torch.equal(render(rows)[4:7], render(rows[4:7]))
