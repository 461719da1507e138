"""What runs left in their folders, one experiment after the other: files of numbers by step or epoch, and pictures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.report.plots.style import COLOURS, Figure, new_axes, svg
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes
from vissl_monoimage.report.tables.experiment import pretrain_label

MAX_RUNS = 4  # on a page: the pictures of each can have megabytes
Record = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class RunBlock:
    """One run: its pictures, and the plots of its numbers."""

    name: str
    pictures: list[Figure]
    plots: list[Figure]


def run_blocks(
    rows: Iterable[Row], what: str, show: Callable[[Row, str, list[str]], RunBlock], missing: list[str]
) -> list[RunBlock]:
    """What `show(row, name, missing)` makes of each experiment's first seed, of `MAX_RUNS` experiments at most.

    `what` says in a few words what is shown of a run; what is not goes to `missing`.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.experiment, []).append(row)
    firsts = [min(group, key=lambda row: (row.seed, row.recipe.get("seed", 0))) for group in groups.values()]
    names = _names(firsts)
    if names[MAX_RUNS:]:
        missing.append(f"Not shown, to keep the page small: {what} {'; '.join(names[MAX_RUNS:])}.")
    blocks = [show(row, name, missing) for row, name in list(zip(firsts, names, strict=True))[:MAX_RUNS]]
    return [block for block in blocks if block.pictures or block.plots]


def _names(rows: Sequence[Row]) -> list[str]:
    """What each learned from, and its seed; and what tells apart those that learned from the same."""
    labels = [pretrain_label(row) for row in rows]
    return [
        f"{text}{hint}, seed {row.seed}"
        for row, text, hint in zip(rows, labels, disambiguating_suffixes(labels, rows), strict=True)
    ]


def run_folder(row: Row) -> Path:
    """The folder of the run, where its checkpoint is; the working directory where it left none."""
    return Path(row.checkpoint_out or "").parent


def read_records(path: Path, what: str, missing: list[str], over: str = "step") -> list[Record]:
    """The lines of a run's file of `what`, less those that a kill tore; each has `over`, its step or epoch.

    Raises:
        MonoImageError: the file cannot be read, or has no whole line.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise MonoImageError(f"cannot read the {what} in '{path}': {error.strerror}") from error
    found = [look for line in lines if (look := _parse_record(line, over))]
    if skipped := len(lines) - len(found):
        missing.append(f"Left out: {skipped} broken line{'s' * (skipped != 1)} of '{path}'.")
    if not found:
        raise MonoImageError(f"there are no {what} in '{path}'")
    return found


def _parse_record(line: str, over: str) -> Record | None:
    try:
        values = json.loads(line)
    except json.JSONDecodeError:
        return None
    whole = isinstance(values, dict) and over in values
    return values if whole and all(isinstance(value, (int, float)) for value in values.values()) else None


def plot_records(
    looks: Sequence[Record], lines: dict[str, str], unit: str, what: str, name: str, over: str = "step"
) -> Figure:
    """A line over the steps or epochs for each key of `lines`, called by its words, through the looks that have it."""
    canvas, axes = new_axes()
    ends = []
    for colour, (key, words) in zip(COLOURS, lines.items(), strict=False):
        points = [(look[over], look[key]) for look in looks if key in look]
        if points:
            axes.plot(*zip(*points, strict=True), label=words, color=colour, linewidth=1.5)
            (start, first), (end, last) = points[0], points[-1]
            ends.append(f"{words} from {first:.3g} at {over} {start} to {last:.3g} at {over} {end}")
    axes.set(xlabel=over, ylabel=unit)
    if len(ends) > 1:
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    alt = f"Line plot. {what}, {name}: {'; '.join(ends) or 'nothing recorded'}."
    return Figure(svg(canvas), "image/svg+xml", alt, f"{what}; single {over}s.")
