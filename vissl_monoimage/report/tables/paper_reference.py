"""The paper's figures beside a table of ours: never in it, for networks and protocols differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vissl_monoimage.config.references import DAGGER, Reference, paper
from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable

TRUNK, PROTOCOL = "convnet4", "cifar-v"
# What each augmentation of the paper's table is in a recipe when it is off, and what a recipe may be free to change.
_PARTS: dict[str, dict[str, Any]] = {
    "rotation": {"rotation": 0, "shear": 0},
    "jitter": {"jitter": 0},
    "scale": {"scale": (1, 1)},
}
_FREE = ("name", "size")
NOTE = (
    "Asano, Rupprecht, Vedaldi (ICLR 2020), tables 1 and 3. Not the same experiment: their net of four convolutions "
    f"and their probe protocol are not known, ours are {TRUNK} and {{protocol}}. In brackets ours less theirs, in "
    "points, where method, source, augmentation and layer correspond: it shows where the two stand, it is no target."
)
RECALLED = f"{DAGGER} Recalled from memory and not checked against the paper, as is every difference to it."


def paper_table(table: Table) -> TextTable | None:
    """The paper's CIFAR table of the same data set; None where it has none, or ours is another kind of table."""
    ours = [line for line in table.lines if line.trunk == TRUNK]
    known = [number for number in paper() if number.dataset == table.dataset and number.top_1 is not None]
    if not ours or not known or table.changes or not table.protocol.startswith(PROTOCOL):
        return None
    lines: dict[tuple[str, str, str], dict[str, Reference]] = {}
    for number in known:
        lines.setdefault((number.method, number.source, number.augmentation), {})[number.layer] = number
    layers = list(dict.fromkeys(number.layer for number in known))
    rows = []
    for key, numbers in lines.items():
        same = [line for line in ours if _key(line) == key]
        beside = same[0] if len(same) == 1 else None  # of several, none is the one that corresponds
        rows.append([_name(key), *(_cell(numbers.get(layer), beside) for layer in layers)])
    recalled = any(number.mark == "recalled" for number in known)
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


def _key(line: Line) -> tuple[str, str, str] | None:
    """Method, source and augmentation as paper.csv names them; None for what the paper has not."""
    if line.is_random:
        return ("Random", "", "")
    if line.pretrain is None:
        return None
    row = line.pretrain
    if not row.images:
        return ({"rotnet": "RotNet", "monogan": "GAN"}.get(row.method, row.method), row.dataset, "")
    on = _augmentation(row.recipe)
    if len(row.images) > 1 or row.method != "monogan" or on is None:
        return None
    return ("MonoGAN", Path(row.images[0]["name"]).stem, on)


def _augmentation(recipe: Mapping[str, Any]) -> str | None:
    """The parts that a recipe has on, as paper.csv writes them; None where anything else is not as released."""
    released = dataclasses.asdict(RECIPES["released"])
    values = released | {key: tuple(value) if isinstance(value, list) else value for key, value in recipe.items()}
    changed = {key: values[key] for key in released if values[key] != released[key] and key not in _FREE}
    on = []
    for part, off in _PARTS.items():
        its = {key: changed.pop(key) for key in off if key in changed}
        if its and its != off:
            return None
        on += [] if its else [part]
    if changed:
        return None
    return "all" if len(on) == len(_PARTS) else "+".join(on) or "none"
