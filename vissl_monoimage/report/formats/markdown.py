"""Tables as GitHub Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from vissl_monoimage.report.tables.text_table import TextTable


def tables_as_markdown(tables: Sequence[TextTable]) -> str:
    """All tables as GitHub Markdown, each with its notes."""
    parts = []
    for table in tables:
        ruler = ["---:" if column in table.numeric else "---" for column in range(len(table.header))]
        lines = [f"### {table.title}", "", *map(_piped, [table.header, ruler, *table.rows])]
        parts.append("\n".join([*lines, *(f"\n{note}" for note in table.notes)]))
    return "\n\n".join(parts) + "\n"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
