"""Suffixes that distinguish experiments with the same name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.disambiguate import describe_recipe, disambiguating_suffixes

RELEASED = {**dataclasses.asdict(Recipe(size=32)), "num_samples": 50_000, "seed": 3, "scale": [0.002, 1.0]}


def test_a_recipe_is_described_by_its_changes() -> None:
    assert describe_recipe(RELEASED) == "recipe released"
    changed: dict[str, Any] = {"scale": [1.0, 1.0], "rotation": 0.0, "jitter": 0.25, "aspect": [0.5, 2.0]}
    said = describe_recipe(RELEASED | changed)
    assert said == "recipe released, no scale, aspect 0.5-2, no rotation, jitter 0.25"
    assert describe_recipe(RELEASED | {"renderer": "torch"}) == "recipe released, renderer torch"
    assert describe_recipe({}) == ""


def test_only_equal_names_get_a_suffix(a_row: Callable[..., Row]) -> None:
    rows = [
        a_row(recipe=RELEASED),
        a_row(recipe=RELEASED | {"jitter": 0.0}),
        a_row(recipe=RELEASED | {"jitter": 0.0}),
    ]
    assert disambiguating_suffixes(["a", "a", "b"], rows) == [", recipe released", ", no jitter", ""]


def test_equal_recipes_are_distinguished_by_the_hash(a_row: Callable[..., Row]) -> None:
    rows = [a_row(recipe=RELEASED, group_hash="abcdef99"), a_row(recipe=RELEASED, group_hash="12345678"), a_row()]
    assert disambiguating_suffixes(["a", "a", "a"], rows) == [" [abcdef]", " [123456]", " [gggggg]"]
