"""A table of text, ready for any format."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class TextTable:
    """Title, header, rows of cells, indices of the columns that are numbers, and the notes that belong below."""

    title: str
    header: list[str]
    rows: list[list[str]]
    numeric: list[int]
    notes: list[str]
