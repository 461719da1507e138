"""A table of text, ready for any rendering."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class TextTable:
    """Title, header, rows of cells, indices of the columns that are numbers, and the notes that belong below."""

    title: str
    header: list[str]
    rows: list[list[str]]
    numeric: list[int]
    notes: list[str]


def markdown(tables: Sequence[TextTable]) -> str:
    """All tables as GitHub Markdown, each with its notes."""
    parts = []
    for table in tables:
        ruler = ["---:" if column in table.numeric else "---" for column in range(len(table.header))]
        lines = [f"### {table.title}", "", *map(_piped, [table.header, ruler, *table.rows])]
        parts.append("\n".join([*lines, *(f"\n{note}" for note in table.notes)]))
    return "\n\n".join(parts) + "\n"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
