"""A table of text, ready for any rendering."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Sheet:
    """Title, header, rows of cells, indices of the columns that are numbers, and the notes that belong below."""

    title: str
    header: list[str]
    rows: list[list[str]]
    numeric: list[int]
    notes: list[str]


def markdown(sheets: Sequence[Sheet]) -> str:
    """All sheets as GitHub Markdown, each with its notes."""
    parts = []
    for sheet in sheets:
        ruler = ["---:" if column in sheet.numeric else "---" for column in range(len(sheet.header))]
        lines = [f"### {sheet.title}", "", *map(_piped, [sheet.header, ruler, *sheet.rows])]
        parts.append("\n".join([*lines, *(f"\n{note}" for note in sheet.notes)]))
    return "\n\n".join(parts) + "\n"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
