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
    piped = piped_table(table.header, table.rows, table.numeric)
    return "\n\n".join([f"### {_plain(table.title)}", piped, *map(_plain, table.notes)])


def piped_table(header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """Return the cells as a table of GitHub Markdown, the columns `numeric` aligned to the right."""
    alignment = ["right" if column in numeric else "left" for column in range(len(header))]
    cells = [[_cell(cell) for cell in row] for row in rows]
    names = [_cell(name) for name in header]
    return tabulate(cells, names, tablefmt="pipe", colalign=alignment, disable_numparse=True)


def _cell(text: str) -> str:
    """Return text that cannot end its cell or its line: tabulate escapes nothing."""
    return " ".join(_plain(text).split()).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return text in which a name, such as that of a file, is no HTML."""
    return text.replace("<", "&lt;")
