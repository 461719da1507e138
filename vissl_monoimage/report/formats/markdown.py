"""Tables as GitHub Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from vissl_monoimage.report.tables.text_table import TextTable


def tables_as_markdown(tables: Sequence[TextTable]) -> str:
    """Return all tables as GitHub Markdown, each with its title and its notes."""
    return "\n\n".join(map(table_as_markdown, tables)) + "\n"


def table_as_markdown(table: TextTable) -> str:
    """Return a table as GitHub Markdown with its title and its notes."""
    alignment = ["right" if column in table.numeric else "left" for column in range(len(table.header))]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    header = [_cell(name) for name in table.header]
    piped = tabulate(rows, header, tablefmt="pipe", colalign=alignment, disable_numparse=True)
    return "\n\n".join([f"### {table.title}", piped, *table.notes])


def _cell(text: str) -> str:
    """Return text that cannot end its cell or its line: tabulate escapes nothing."""
    return " ".join(text.split()).replace("|", "\\|")
