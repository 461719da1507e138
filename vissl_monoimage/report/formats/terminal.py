"""Tables on a terminal: boxed where they fit, plain otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable

from vissl_monoimage.report.tables.accuracy import NOTE, header_and_rows
from vissl_monoimage.report.tables.table import Table


def tables_as_text(tables: Sequence[Table]) -> str:
    """All tables in aligned columns, for pipes and logs."""
    parts = []
    for table in tables:
        header, rows = header_and_rows(table)
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        aligned = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [header, *rows]
        ]
        parts.append("\n".join(filter(None, [table.title, *aligned, table.departures])))
    return "\n\n".join([*parts, NOTE])


def print_tables(tables: Sequence[Table], console: Console | None = None) -> None:
    """Print the tables: boxed on a terminal wide enough for them, plain otherwise."""
    console = console or Console()
    if not console.is_terminal or console.width < _widest(tables):
        print(tables_as_text(tables), file=console.file)
        return
    for table in tables:
        header, rows = header_and_rows(table)
        box = RichTable(title=table.title, title_justify="left")
        for name in header:
            box.add_column(name, justify="right" if name in table.layers else "left", no_wrap=True)
        for row in rows:
            box.add_row(*row)
        console.print(box)
        if table.departures:
            console.print(table.departures, markup=False, highlight=False)
    console.print(NOTE)


def _widest(tables: Sequence[Table]) -> int:
    """Characters across the widest boxed table: columns, each with a rule and two spaces, and a last rule."""

    def width(header: list[str], rows: list[list[str]]) -> int:
        return 1 + sum(3 + max(map(len, column)) for column in zip(header, *rows, strict=True))

    return max((width(*header_and_rows(table)) for table in tables), default=0)
