"""Tables on a terminal: boxed where they fit, plain otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Box
from rich.text import Text
from tabulate import tabulate

from vissl_monoimage.report.claims.verdicts import judge_all
from vissl_monoimage.report.tables.accuracy import NOTE, header_and_rows
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.utils.printable import printable

_UNLIMITED = 10_000  # characters


def tables_as_text(tables: Sequence[Table]) -> str:
    """Return all tables in aligned columns, for pipes and logs."""
    parts = []
    for table in tables:
        header, rows = header_and_rows(table)
        aligned = tabulate(rows, header, tablefmt="plain", disable_numparse=True)
        parts.append("\n".join([table.title, aligned, *table.caveats]))
    return printable("\n\n".join([*parts, NOTE, *_verdicts(tables)]))


def print_tables(tables: Sequence[Table], console: Console | None = None) -> None:
    """Print the tables: boxed if the console is a terminal wide enough for all of them, plain otherwise."""
    console = console or Console()
    boxes = [_box(table) for table in tables]
    unlimited = console.options.update(width=_UNLIMITED)
    widest = max((Measurement.get(console, unlimited, box).maximum for box in boxes), default=0)
    if not console.is_terminal or console.width < widest:
        print(tables_as_text(tables), file=console.file)
        return
    for table, box in zip(tables, boxes, strict=True):
        console.print(box)
        for caveat in table.caveats:
            console.print(printable(caveat), markup=False, highlight=False)
    for text in (NOTE, *_verdicts(tables)):
        console.print(printable(text), markup=False, highlight=False)


def _verdicts(tables: Sequence[Table]) -> list[str]:
    """Return a paragraph for each table: what it says of the paper's claims."""
    return [
        "\n".join([found.title, *(text for verdict in found.verdicts for text in verdict.paragraphs), *found.notes])
        for found in judge_all(tables)
    ]


def _box(table: Table) -> Box:
    header, rows = header_and_rows(table)
    # As Text: in a plain string, rich would take the `[1a2b3c]` of a label for a style and drop it.
    box = Box(title=Text(printable(table.title)), title_justify="left")
    for name in header:
        box.add_column(Text(printable(name)), justify="right" if name in table.layers else "left", no_wrap=True)
    for row in rows:
        box.add_row(*(Text(printable(cell)) for cell in row))
    return box
