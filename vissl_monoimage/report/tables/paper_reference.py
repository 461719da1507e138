"""The paper's figures as a table beside ours, never merged with it: networks and protocols differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.labels import is_less_than_published
from vissl_monoimage.report.tables.reference import DAGGER, Reference, paper
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable

TRUNK, PROTOCOL = "convnet4", "cifar-v"
# The values of a recipe with one of the paper's augmentations switched off, and the fields that may have any value.
_SWITCHED_OFF: dict[str, dict[str, Any]] = {
    "rotation": {"rotation": 0, "shear": 0},
    "jitter": {"jitter": 0},
    "scale": {"scale": (1, 1)},
}
_FREE = ("name", "size")
NOTE = (
    "Asano, Rupprecht, Vedaldi (ICLR 2020), tables 1 and 3. Not the same experiment: the details of their network of "
    f"four convolutions and of their probe protocol are unknown; ours are {TRUNK} and {{protocol}}. In brackets, ours "
    "minus theirs in points, where method, source, augmentation and layer correspond: an orientation, not a target."
)
RECALLED = f"{DAGGER} Recalled from memory and not checked against the paper, as is every difference to it."


def paper_table(table: Table) -> TextTable | None:
    """Return the paper's CIFAR figures for the table's data set; None if there are none, or nothing corresponds."""
    ours = [line for line in table.lines if line.trunk == TRUNK]
    numbers = [number for number in paper() if number.dataset == table.dataset_name and number.top_1 is not None]
    if not ours or not numbers or table.changes or not table.protocol.startswith(PROTOCOL):
        return None
    lines: dict[tuple[str, str, str], dict[str, Reference]] = {}
    for number in numbers:
        lines.setdefault((number.method, number.source, number.augmentation), {})[number.layer] = number
    layers = list(dict.fromkeys(number.layer for number in numbers))
    rows = []
    for key, by_layer in lines.items():
        matches = [line for line in ours if _paper_key(line) == key]
        match = matches[0] if len(matches) == 1 else None  # of several lines, none is the one that corresponds
        rows.append([_name(key), *(_cell(by_layer.get(layer), match) for layer in layers)])
    recalled = any(number.mark == "recalled" for number in numbers)
    notes = [NOTE.format(protocol=table.protocol), *([RECALLED] if recalled else [])]
    title = f"The paper's figures (%): {table.dataset}, its own network and protocol"
    return TextTable(title, ["the paper's method", *layers], rows, list(range(1, len(layers) + 1)), notes)


def _cell(theirs: Reference | None, ours: Line | None) -> str:
    if theirs is None or theirs.top_1 is None:
        return ""
    if ours is None or theirs.layer not in ours.cells:
        return str(theirs)
    points = ours.cells[theirs.layer].mean - theirs.top_1
    return f"{theirs} ({points:+.1f})"


def _name(key: tuple[str, str, str]) -> str:
    method, source, augmentation = key
    on = f" on {source}" if source else ""
    return f"{method}{on}{f', augmentation: {augmentation}' if augmentation else ''}"


def _paper_key(line: Line) -> tuple[str, str, str] | None:
    """Return method, source and augmentation as in paper.csv; None for what the paper does not have."""
    if line.is_random:
        return ("Random", "", "")
    row = line.pretrain
    if row is None or is_less_than_published(row):
        return None
    if not row.images:
        return ({"rotnet": "RotNet", "monogan": "GAN"}.get(row.method, row.method), row.dataset, "")
    augmentation = augmentation_of(row.recipe)
    if len(row.images) > 1 or row.method != "monogan" or augmentation is None:
        return None
    return ("MonoGAN", Path(row.images[0]["name"]).stem, augmentation)


def augmentation_of(recipe: Mapping[str, Any]) -> str | None:
    """Return the augmentations of a recipe as in paper.csv; None if anything else differs from the released recipe.

    The renderer may be any: all of them draw the same crops.
    """
    released = dataclasses.asdict(RECIPES["released"])
    values = released | {key: tuple(value) if isinstance(value, list) else value for key, value in recipe.items()}
    changed = {key: values[key] for key in released if values[key] != released[key] and key not in _FREE}
    used = []
    for name, off in _SWITCHED_OFF.items():
        changes = {key: changed.pop(key) for key in off if key in changed}
        if changes and changes != off:
            return None
        used += [] if changes else [name]
    if changed:
        return None
    return "all" if len(used) == len(_SWITCHED_OFF) else "+".join(used) or "none"
