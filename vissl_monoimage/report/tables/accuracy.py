"""The accuracies of a table as text, and the tables that are derived from it."""

from __future__ import annotations

from vissl_monoimage.report.tables.comparison import difference_table, recovery_table
from vissl_monoimage.report.tables.paper_reference import paper_table
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable

NOTE = (
    "± is half the 95 % t-interval over trained trunks; one trunk (n=1) has none. "
    "Pretext: accuracy on the method's own task."
)


def header_and_rows(table: Table) -> tuple[list[str], list[list[str]]]:
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
    header, rows = header_and_rows(table)
    numeric = [column for column, name in enumerate(header) if name in (*table.layers, "pretext")]
    ns = sorted({len(line.seeds) or 1 for line in table.lines})
    trunks = f"n = {ns[0]} trunk{'s' * (ns[0] != 1)}" if len(ns) == 1 else f"n = {ns[0]} to {ns[-1]} trunks"
    notes = [*([table.departures] if table.departures else []), f"{trunks} a line. {NOTE}"]
    main = TextTable(table.title, header, rows, numeric, notes)
    return [main, *(text for text in (difference_table(table), recovery_table(table), paper_table(table)) if text)]
