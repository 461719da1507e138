"""What tells experiments of the same name apart, in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.ledger.io import Row


def disambiguating_suffixes(names: Sequence[Any], rows: Sequence[Row]) -> list[str]:
    """For each row, what goes behind its name: nothing where no other has that name.

    Else how its recipe differs from the one it is named after, where that tells it apart; else a part of the hash of
    its config.
    """
    words = [_change(row.recipe) for row in rows]
    found = []
    for name, row, said in zip(names, rows, words, strict=True):
        same = [other for other, its_name in zip(words, names, strict=True) if its_name == name]
        alone = said and same.count(said) == 1
        found.append("" if len(same) == 1 else f", {said}" if alone else f" [{row.experiment[:6]}]")
    return found


def _change(recipe: Mapping[str, Any]) -> str:
    """What is changed in a recipe, or its name alone where nothing is."""
    name, _, changes = describe_recipe(recipe).partition(", ")
    return changes or name


def describe_recipe(recipe: Mapping[str, Any]) -> str:
    """`recipe released` and what is changed in it: `, no rotation, jitter 0.2`; "" where there is none of that name."""
    named = RECIPES.get(recipe.get("name", ""))
    if named is None:
        return ""
    parts = {key: tuple(value) if isinstance(value, list) else value for key, value in recipe.items()}
    changed = {
        key: value
        for key, value in parts.items()
        if key not in ("name", "size") and value != getattr(named, key, value)
    }
    return ", ".join([f"recipe {named.name}", *(_part(key, value) for key, value in changed.items())])


def _part(key: str, value: Any) -> str:
    name = key.replace("_", " ")
    if value == 0 or (key == "scale" and value == (1, 1)):
        return f"no {name}"
    return f"{name} {'-'.join(f'{number:g}' for number in value) if isinstance(value, tuple) else value}"
