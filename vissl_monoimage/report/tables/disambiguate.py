"""Suffixes that distinguish experiments with the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.ledger.row import Row


def disambiguating_suffixes(names: Sequence[Any], rows: Sequence[Row]) -> list[str]:
    """Return, for each row, what to append to its name; "" if no other row has that name.

    The suffix says how the row's recipe differs from the recipe it is named after, if that is unique among the rows of
    the same name; else it is a part of the hash of the row's config.
    """
    recipes = [_recipe_change(row.recipe) for row in rows]
    suffixes = []
    for name, row, recipe in zip(names, rows, recipes, strict=True):
        namesakes = [other for other, its_name in zip(recipes, names, strict=True) if its_name == name]
        unique = recipe and namesakes.count(recipe) == 1
        suffixes.append("" if len(namesakes) == 1 else f", {recipe}" if unique else f" [{row.experiment[:6]}]")
    return suffixes


def describe_recipe(recipe: Mapping[str, Any]) -> str:
    """Return `recipe released` and its changes, `, no rotation, jitter 0.2`; "" if no recipe has that name."""
    named = RECIPES.get(recipe.get("name", ""))
    if named is None:
        return ""
    parts = {key: tuple(value) if isinstance(value, list) else value for key, value in recipe.items()}
    changed = {
        key: value
        for key, value in parts.items()
        if key not in ("name", "size") and (key == "renderer" or value != getattr(named, key, value))
    }
    return ", ".join([f"recipe {named.name}", *(_describe_part(key, value) for key, value in changed.items())])


def _recipe_change(recipe: Mapping[str, Any]) -> str:
    """Return what is changed in a recipe, or its name if nothing is."""
    name, _, changes = describe_recipe(recipe).partition(", ")
    return changes or name


def _describe_part(key: str, value: Any) -> str:
    name = key.replace("_", " ")
    if value == 0 or (key == "scale" and value == (1, 1)):
        return f"no {name}"
    return f"{name} {'-'.join(f'{number:g}' for number in value) if isinstance(value, tuple) else value}"
