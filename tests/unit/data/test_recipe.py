"""The recipe's config block: the two recipes, replaced parts, and a sentence for every bad value."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.settings import SourceBlock, read_source_block, recipe_from_options
from vissl_monoimage.errors import MonoImageError

OVERLAY = Path(__file__).parents[3] / "configs/config/monoimage/single_image.yaml"


def test_released_has_the_authors_numbers() -> None:
    recipe = RECIPES["released"]
    assert recipe.resized == 362
    assert dataclasses.replace(recipe, size=32).resized == 45
    assert recipe.region(2560, 1920) == (960, 960)
    # PAPER.md: the smallest crop of the market photo is 43 px for a square; a narrow one is a little less.
    assert recipe.smallest_crop(2560, 1920) == pytest.approx(960 / math.sqrt(500) * math.sqrt(3 / 4))
    assert 960 / math.sqrt(500) == pytest.approx(43, abs=0.1)


def test_paper_differs_in_rotation_and_flip_alone() -> None:
    differs = {
        field.name
        for field in dataclasses.fields(Recipe)
        if getattr(RECIPES["paper"], field.name) != getattr(RECIPES["released"], field.name)
    }
    assert differs == {"name", "rotation", "hflip"}


def test_parts_replace_the_recipes_own_and_null_keeps_them() -> None:
    block = read_source_block({"RECIPE": "paper", "SHEAR": 0, "SCALE": [0.1, 1], "JPEG": 75, "ROTATION": None})
    expected = dataclasses.replace(RECIPES["paper"], shear=0, scale=(0.1, 1.0), jpeg=75)
    assert block.recipe() == expected
    assert read_source_block(None).recipe() == RECIPES["released"]


def test_every_part_can_be_replaced_and_every_key_is_spelled_in_the_overlay() -> None:
    keys = {field.name for field in dataclasses.fields(SourceBlock)}
    parts = {field.name.upper() for field in dataclasses.fields(Recipe)} - {"NAME"}
    assert parts <= keys
    overlay = yaml.safe_load(OVERLAY.read_text())["config"]["MONOIMAGE"]["SOURCE"]
    # A key in the overlay is in the hashes of all configurations: the renderer came later, and is absent unless set.
    assert overlay | {"RENDERER": "opencv"} == dataclasses.asdict(SourceBlock())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"RECIPE": "relased"}, "unknown recipe 'relased': did you mean 'released'"),
        ({"RENDERER": "touch"}, "RENDERER: unknown renderer 'touch': did you mean 'torch'"),
        ({"RENDERER": "torch", "JPEG": 75}, "RENDERER=torch has no JPEG round trip"),
        ({"SIZ": 3}, "unknown key 'SIZ': did you mean 'SIZE'"),
        ({"SIZE": 4}, "SOURCE.SIZE=4 must be between 8 and 2048"),
        ({"SIZE": 32.5}, "SOURCE.SIZE=32.5 must be a whole number"),
        ({"NUM_SAMPLES": 0}, "NUM_SAMPLES=0 must be between 1"),
        ({"JITTER": 2}, "JITTER=2 must be between 0 and 1"),
        ({"ROTATION": "much"}, "ROTATION='much' must be a number or null"),
        ({"ROTATION": math.nan}, "ROTATION=nan must be between 0 and 180"),
        ({"SHEAR": 90}, "SHEAR=90 must be between 0 and 80"),
        ({"INITIAL_CROP": 1.5}, "INITIAL_CROP=1.5 must be between 0 and 1"),
        ({"SCALE": [0.5, 0.1]}, r"SCALE=\[0.5, 0.1\] must be \[least, most\]"),
        ({"SCALE": [0, 1]}, r"SCALE=\[0, 1\] must be"),
        ({"SCALE": 0.5}, "SCALE=0.5 must be a list of numbers or null"),
        ({"ASPECT": ["a", 1]}, r"ASPECT=\['a', 1\] must be"),
        ({"JITTER_STRENGTH": [0.4, 0.4, 0.4]}, r"JITTER_STRENGTH=.* must be .brightness, contrast"),
        ({"JITTER_STRENGTH": [0.4, 0.4, 0.4, 0.9]}, "hue in 0..0.5"),
        ({"FILL": "blck"}, "unknown fill 'blck': did you mean 'black'"),
        ({"FRESH": "yes"}, "FRESH='yes' must be true or false"),
        ({"JPEG": 101}, "JPEG=101 must be between 0 and 100"),
    ],
)
def test_bad_values_are_named_with_what_is_allowed(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MonoImageError, match=sentence):
        read_source_block(values)


def test_all_problems_at_once() -> None:
    with pytest.raises(MonoImageError, match=r"SIZE=4.*SEED=-1.*JPEG=101"):
        read_source_block({"SIZE": 4, "SEED": -1, "JPEG": 101})


def test_photo_too_small_for_a_crop() -> None:
    for size in ((1, 1), (60, 900), (101, 101)):
        with pytest.raises(MonoImageError, match=rf"me\.jpg is {size[0]}x{size[1]} px, too small"):
            RECIPES["released"].check_photo("me.jpg", *size)
    RECIPES["released"].check_photo("me.jpg", 104, 104)
    dataclasses.replace(RECIPES["released"], scale=(1.0, 1.0)).check_photo("me.jpg", 5, 5)


def test_command_options_are_checked_like_the_config() -> None:
    assert recipe_from_options("paper", 64, 0) == dataclasses.replace(RECIPES["paper"], size=64)
    with pytest.raises(MonoImageError, match=r"options.SIZE=1 must be"):
        recipe_from_options("paper", 1, 0)
