"""A table of text that every format renders."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class TextTable:
    """A table of text.

    Attributes:
        title: its heading, without a full stop.
        header: names of the columns.
        rows: cells, as many in each row as there are columns.
        numeric: indices of the columns to be aligned to the right.
        notes: paragraphs to be printed below the table.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    numeric: list[int]
    notes: list[str]
