"""A table as text: plain or rich on a terminal, Markdown and CSV in files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable

from vissl_monoimage.report.table import Table

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


def markdown(tables: Sequence[Table]) -> str:
    """All tables as GitHub Markdown."""
    parts = []
    for table in tables:
        header, rows = grid(table)
        heading = [f"### {table.title}", "", *([table.departures, ""] if table.departures else [])]
        lines = [*heading, _piped(header), _piped(["---"] * len(header)), *map(_piped, rows)]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, NOTE]) + "\n"


def long_csv(tables: Sequence[Table]) -> str:
    """All tables as one CSV, a line a method and layer; half_width_95 is empty for one trunk."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["protocol", "changes", "dataset", "method", "trunk", "seeds", "layer", "n", "mean", "half_width_95"]
    )
    for table in tables:
        for line in table.lines:
            for layer, cell in line.cells.items():
                half = "" if cell.half is None else f"{cell.half:.2f}"
                what = [table.protocol, "; ".join(table.changes), table.dataset, line.label, line.trunk]
                writer.writerow([*what, " ".join(line.seeds), layer, cell.n, f"{cell.mean:.2f}", half])
    return text.getvalue()


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


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
