"""Draws: pure functions of their counters, boxes that fit, and the distributions of the authors' generator."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vissl_monoimage.data.crops.params import Crop, draw_crop, uniforms
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.errors import MonoImageError

RELEASED = RECIPES["released"]
SIDES = st.integers(120, 5000)


def draws(recipe: Recipe, count: int, width: int = 2560, height: int = 1920) -> list[Crop]:
    return [draw_crop(recipe, width, height, seed=7, split=0, index=i) for i in range(count)]


@given(
    width=SIDES,
    height=SIDES,
    seed=st.integers(0, 2**62),
    index=st.integers(0, 2**40),
    initial=st.booleans(),
)
def test_box_lies_in_the_photo_and_the_draw_is_repeatable(
    width: int, height: int, seed: int, index: int, initial: bool
) -> None:
    whole = dataclasses.replace(RELEASED, initial_crop=0.0, aspect=(0.1, 10.0))
    recipe = RELEASED if initial else whole
    crop = draw_crop(recipe, width, height, seed=seed, split=0, index=index)
    assert crop == draw_crop(recipe, width, height, seed=seed, split=0, index=index)
    assert 0 <= crop.left <= crop.left + crop.width <= width
    assert 0 <= crop.top <= crop.top + crop.height <= height
    assert crop.width > 0
    assert crop.height > 0
    assert abs(crop.rotation) <= 30
    assert abs(crop.shear) <= 30


def test_every_counter_matters() -> None:
    base = {"seed": 1, "split": 0, "index": 5, "epoch": 0}
    crops = {draw_crop(RELEASED, 800, 600, **base)}
    for key in base:
        crops.add(draw_crop(RELEASED, 800, 600, **{**base, key: base[key] + 1}))
    assert len(crops) == 5


def test_uniforms_are_uniform_and_uncorrelated_between_neighbours() -> None:
    numbers = np.array([uniforms(3, 0, 0, i) for i in range(4000)]) / 2**32
    for column in numbers.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    correlations = np.corrcoef(np.hstack([numbers[:-1], numbers[1:]]).T) - np.eye(32)
    assert np.abs(correlations).max() < 0.08


def test_area_and_aspect_follow_rejection_sampling_as_the_release_does() -> None:
    """Against an independent sampler: uniform area, log-uniform aspect, redrawn until the box fits a square."""
    generator = np.random.default_rng(0)
    area = generator.uniform(1 / 500, 1, 40_000)
    aspect = np.exp(generator.uniform(math.log(3 / 4), math.log(4 / 3), 40_000))
    fits = (np.sqrt(area * aspect) <= 1) & (np.sqrt(area / aspect) <= 1)
    crops = draws(RELEASED, 8000)
    ours_area = [crop.width * crop.height / 960**2 for crop in crops]
    ours_aspect = [crop.width / crop.height for crop in crops]
    assert stats.ks_2samp(ours_area, area[fits]).pvalue > 1e-3
    assert stats.ks_2samp(ours_aspect, aspect[fits]).pvalue > 1e-3


def test_angles_flips_and_jitter_have_the_stated_distributions() -> None:
    crops = draws(dataclasses.replace(RELEASED, hflip=0.5, vflip=0.2), 6000)
    assert stats.kstest([(crop.rotation + 30) / 60 for crop in crops], "uniform").pvalue > 1e-3
    assert stats.kstest([(crop.shear + 30) / 60 for crop in crops], "uniform").pvalue > 1e-3
    assert np.mean([crop.hflip for crop in crops]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([crop.vflip for crop in crops]) == pytest.approx(0.2, abs=0.03)
    jitters = [crop.jitter for crop in crops if crop.jitter]
    assert len(jitters) / 6000 == pytest.approx(0.5, abs=0.03)
    factors = np.array([jitter.factors for jitter in jitters])
    assert (factors.min(0) >= [0.6, 0.6, 0.6, -0.1]).all()
    assert (factors.max(0) <= [1.4, 1.4, 1.4, 0.1]).all()
    assert np.ptp(factors, axis=0) == pytest.approx([0.8, 0.8, 0.8, 0.2], rel=0.02)
    orders = [jitter.order for jitter in jitters]
    assert stats.chisquare([orders.count(order) for order in set(orders)]).pvalue > 1e-3
    assert len(set(orders)) == 24


def test_places_and_angles_are_drawn_apart() -> None:
    crops = draws(dataclasses.replace(RELEASED, scale=(0.2, 0.2)), 4000)
    table = np.array([(crop.left, crop.top, crop.width, crop.rotation, crop.shear) for crop in crops])
    assert np.abs(np.corrcoef(table.T) - np.eye(5)).max() < 0.08


def test_positions_reach_every_edge_of_the_photo() -> None:
    crops = draws(RELEASED, 4000)
    assert min(crop.left for crop in crops) < 20
    assert max(crop.left + crop.width for crop in crops) > 2540
    assert min(crop.top for crop in crops) < 20
    assert max(crop.top + crop.height for crop in crops) > 1900


@pytest.mark.parametrize("off", ["rotation", "shear", "jitter", "vflip", "hflip"])
def test_switching_one_part_off_leaves_the_others_as_they_were(off: str) -> None:
    full = dataclasses.replace(RELEASED, vflip=0.5, hflip=0.5)
    without = dataclasses.replace(full, **{off: 0.0})
    for one, other in zip(draws(full, 50), draws(without, 50), strict=True):
        assert not getattr(other, off)
        assert one._replace(**{off: None}) == other._replace(**{off: None})


def test_scale_off_is_the_whole_initial_crop() -> None:
    for crop in draws(dataclasses.replace(RELEASED, scale=(1.0, 1.0)), 20):
        assert (crop.width, crop.height) == (960, 960)


def test_crops_that_cannot_fit_are_refused() -> None:
    impossible = dataclasses.replace(RELEASED, scale=(0.9, 1.0), aspect=(3.0, 4.0))
    with pytest.raises(MonoImageError, match=r"SCALE=\[0.9, 1.0\]"):
        impossible.check_photo("me.jpg", 800, 600)
    with pytest.raises(MonoImageError, match="fits into"):
        draw_crop(impossible, 800, 600, seed=0, split=0, index=0)
