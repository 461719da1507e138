"""A table as text: plain or rich on a terminal, and as text tables for every file."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable

from vissl_monoimage.report.formats.markdown import TextTable
from vissl_monoimage.report.tables.comparison import differences, recovered
from vissl_monoimage.report.tables.paper_reference import cited
from vissl_monoimage.report.tables.table import Table

NOTE = (
    "± is half the 95 % t-interval over trained trunks; one trunk (n=1) has none. "
    "Pretext: accuracy on the method's own task."
)


def grid(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and cells. The pretext column is there only where some line has a pretext accuracy."""
    pretext = any(line.pretext for line in table.lines)
    header = ["learned from", *table.layers, *(["pretext"] if pretext else []), "trunks", "architecture"]
    rows = [
        [
            line.label,
            *(str(line.cells.get(layer, "-")) for layer in table.layers),
            *([str(line.pretext or "-")] if pretext else []),
            line.runs,
            line.trunk,
        ]
        for line in table.lines
    ]
    return header, rows


def text_tables(table: Table) -> list[TextTable]:
    """The table with its notes, and what it says about its lines beside each other and beside the paper's."""
    header, rows = grid(table)
    numeric = [column for column, name in enumerate(header) if name in (*table.layers, "pretext")]
    ns = sorted({len(line.seeds) or 1 for line in table.lines})
    trunks = f"n = {ns[0]} trunk{'s' * (ns[0] != 1)}" if len(ns) == 1 else f"n = {ns[0]} to {ns[-1]} trunks"
    notes = [*([table.departures] if table.departures else []), f"{trunks} a line. {NOTE}"]
    main = TextTable(table.title, header, rows, numeric, notes)
    return [main, *(text for text in (differences(table), recovered(table), cited(table)) if text)]


def plain(tables: Sequence[Table]) -> str:
    """All tables in aligned columns, for pipes and logs."""
    parts = []
    for table in tables:
        header, rows = grid(table)
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        aligned = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [header, *rows]
        ]
        parts.append("\n".join(filter(None, [table.title, *aligned, table.departures])))
    return "\n\n".join([*parts, NOTE])


def show(tables: Sequence[Table], console: Console | None = None) -> None:
    """Print the tables: boxed on a terminal wide enough for them, plain otherwise."""
    console = console or Console()
    if not console.is_terminal or console.width < _widest(tables):
        print(plain(tables), file=console.file)
        return
    for table in tables:
        header, rows = grid(table)
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

    return max((width(*grid(table)) for table in tables), default=0)
