"""CSV files whose rows are dataclasses, read strictly: those of `benchmarks/reference`."""

from __future__ import annotations

import csv
import dataclasses
import typing
from pathlib import Path
from typing import Any, TypeVar

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError, unknown

MARKS = ("code", "text", "recalled")
"""Where a published figure comes from: the authors' code, a text, or memory, which could not be checked."""
Row = TypeVar("Row")


def figure_problems(top_1: float | None, mark: str, verified: bool) -> list[str]:
    """Return what is wrong with a published figure.

    Args:
        top_1: accuracy in percent; None where it is not known.
        mark: one of `MARKS`.
        verified: whether the figure was checked against its source.
    """
    problems = [] if mark in MARKS else [f"mark: {unknown('mark', mark, MARKS)}"]
    if top_1 is not None and not 0 <= top_1 <= 100:
        problems.append(f"top_1={top_1!r} must be a percentage, or empty where it is not known")
    if verified and (mark == "recalled" or top_1 is None):
        problems.append("verified must be false for a recalled or unknown figure")
    return problems


def read_csv(path: Path, row_type: type[Row]) -> list[Row]:
    """Read the rows of a CSV whose header names the fields of `row_type`, a dataclass, in their order.

    Raises:
        MonoImageError: an unreadable file, another header, or a cell of another type, naming file and line.
    """
    names = [field.name for field in dataclasses.fields(row_type)]  # type: ignore[arg-type]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file, strict=True))
    except OSError as error:
        raise MonoImageError(f"cannot read the reference figures '{path}': {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MonoImageError(f"'{path}' is no CSV of reference figures: {error}") from error
    if not lines or lines[0] != names:
        raise MonoImageError(f"'{path}' must begin with the header {','.join(names)}")
    types = typing.get_type_hints(row_type)
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path}, line {number}"
        if len(cells) != len(names):
            raise MonoImageError(f"{where}: {len(cells)} cells, not {len(names)}")
        values = {name: _typed(cell, types[name]) for name, cell in zip(names, cells, strict=True)}
        rows.append(read_block(row_type, values, where))
    return rows


def _typed(cell: str, wanted: Any) -> Any:
    """Return the cell as `wanted`; unchanged where it cannot be, which `read_block` then reports."""
    if wanted is bool:
        return {"true": True, "false": False}.get(cell, cell)
    if wanted is str or (cell == "" and wanted is int):
        return cell
    try:
        return (int(cell) if wanted is int else float(cell)) if cell else None
    except ValueError:
        return cell
