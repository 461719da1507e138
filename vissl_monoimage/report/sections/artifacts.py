"""Files that runs leave in their folders: records by step or epoch, and pictures."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.plots.style import COLOURS, Figure, drawable, new_axes, svg
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes
from vissl_monoimage.report.tables.labels import pretrain_label
from vissl_monoimage.utils import jsonl

MAX_RUNS = 4  # on a page: the pictures of a run can take megabytes
Record = dict[str, Any]
"""A line of a run's file: numbers by name, with the step or epoch they were measured at."""


@dataclasses.dataclass(frozen=True)
class RunBlock:
    """What the page shows of one run: its name, its pictures and the plots of its records."""

    name: str
    pictures: list[Figure]
    plots: list[Figure]


def run_blocks(
    rows: Iterable[Row], subject: str, build: Callable[[Row, str, list[str]], RunBlock], missing: list[str]
) -> list[RunBlock]:
    """Return the blocks of `MAX_RUNS` experiments at most, each of its run with the lowest seed.

    Args:
        rows: runs, of several seeds each.
        subject: what is shown of a run, in words that its name follows.
        build: `build(row, name, missing)` makes the block of a run.
        missing: receives a sentence for what is not shown.
    """
    experiments: dict[str, list[Row]] = {}
    for row in rows:
        experiments.setdefault(row.experiment, []).append(row)
    firsts = [min(group, key=lambda row: (row.seed, row.recipe.get("seed", 0))) for group in experiments.values()]
    names = _names(firsts)
    if names[MAX_RUNS:]:
        missing.append(f"Not shown, to keep the page small: {subject} {'; '.join(names[MAX_RUNS:])}.")
    blocks = [build(row, name, missing) for row, name in list(zip(firsts, names, strict=True))[:MAX_RUNS]]
    return [block for block in blocks if block.pictures or block.plots]


def _names(rows: Sequence[Row]) -> list[str]:
    """Return the label and seed of each run, with what distinguishes runs of one label."""
    labels = [pretrain_label(row) for row in rows]
    suffixes = disambiguating_suffixes(labels, rows)
    return [f"{label}{suffix}, seed {row.seed}" for row, label, suffix in zip(rows, labels, suffixes, strict=True)]


def run_folder(row: Row) -> Path:
    """Return the folder of a run's checkpoint; the working directory if it left none."""
    return Path(row.checkpoint_out or "").parent


def read_records(path: Path, subject: str, missing: list[str], over: str = "step") -> list[Record]:
    """Return the records in a run's file of JSON lines; broken lines, as a kill leaves them, are skipped.

    Args:
        path: the file.
        subject: what it records, for messages.
        missing: receives a sentence that counts the skipped lines.
        over: the key that each record has: its step or epoch.

    Raises:
        MonoImageError: the file cannot be read, or has no whole line.
    """
    broken: list[int] = []
    values = jsonl.read(path, lambda number, problem: broken.append(number)).values()
    records = [value for value in values if _is_record(value, over)]
    if skipped := len(broken) + len(values) - len(records):
        missing.append(f"Left out: {skipped} broken line{'s' * (skipped != 1)} of '{path}'.")
    if not records:
        raise MonoImageError(f"there are no {subject} in '{path}'")
    return records


def _is_record(value: Any, over: str) -> bool:
    numbers = isinstance(value, dict) and all(map(_is_number, value.values()))
    return numbers and math.isfinite(value.get(over, math.nan))


def _is_number(value: Any) -> bool:
    """Return whether a value can be plotted: a boolean cannot, nor an integer beyond the range of floats."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max


def plot_records(
    records: Sequence[Record], lines: dict[str, str], unit: str, title: str, name: str, over: str = "step"
) -> Figure:
    """Return a plot over the steps or epochs, with a line for each key of `lines` through the records that have it.

    Args:
        records: the records of one run.
        lines: {key of a record: its name in the legend}.
        unit: label of the vertical axis.
        title: what is plotted, for the caption.
        name: name of the run.
        over: key of the horizontal axis.
    """
    canvas, axes = new_axes()
    ends = []
    for colour, (key, words) in zip(COLOURS, lines.items(), strict=False):
        points = [(record[over], record[key]) for record in records if key in record]
        if points:
            axes.plot(*map(drawable, zip(*points, strict=True)), label=words, color=colour, linewidth=1.5)
            (start, first), (end, last) = points[0], points[-1]
            ends.append(f"{words} from {first:.3g} at {over} {start} to {last:.3g} at {over} {end}")
    axes.set(xlabel=over, ylabel=unit)
    if len(ends) > 1:
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    alt = f"Line plot. {title}, {name}: {'; '.join(ends) or 'nothing recorded'}."
    return Figure(svg(canvas), "image/svg+xml", alt, f"{title}, at single {over}s.")
