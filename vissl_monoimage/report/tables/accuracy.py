"""The accuracies of a table as text, followed by the tables derived from them."""

from __future__ import annotations

from vissl_monoimage.report.tables.comparison import comparison_table
from vissl_monoimage.report.tables.cost import COLUMNS
from vissl_monoimage.report.tables.cost import NOTE as COST_NOTE
from vissl_monoimage.report.tables.paper_reference import paper_table
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable
from vissl_monoimage.report.tables.transfer import transfer_table

NOTE = (
    "± is half the width of the 95 % t-interval over independently trained trunks; a single trunk (n=1) has none. "
    "Pretext: accuracy on the pretraining's own task."
)
SLASH = "In the list of seeds, a number after a slash is the seed of the crops, where that is not 0."


def text_tables(table: Table) -> list[TextTable]:
    """Return the accuracies, the comparisons between lines, the transfer of pretext tasks, and the paper's figures.

    Tables with nothing to show are left out.
    """
    derived = (comparison_table(table), transfer_table(table), paper_table(table))
    return [accuracy_table(table), *(text for text in derived if text)]


def accuracy_table(table: Table) -> TextTable:
    """Return the accuracies as text, with notes on the protocol, the number of trunks and the intervals."""
    header, rows = header_and_rows(table)
    numeric = [column for column, name in enumerate(header) if name in (*table.layers, "pretext", *COLUMNS)]
    counts = sorted({len(line.seeds) or 1 for line in table.lines})
    count = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    trunks = f"n = {count} trunk{'s' * (count != '1')}"
    slash = f" {SLASH}" if any("/" in seed for line in table.lines for seed in line.seeds) else ""
    notes = [*table.caveats, f"{trunks} per line. {NOTE}{slash}"]
    notes += [COST_NOTE] if COLUMNS[0] in header else []
    return TextTable(table.title, header, rows, numeric, notes)


def header_and_rows(table: Table) -> tuple[list[str], list[list[str]]]:
    """Return the header and the cells; a label has its marks, and only some tables have columns on pretrainings."""
    pretext, cost = (any(getattr(line, name) for line in table.lines) for name in ("pretext", "cost"))
    columns = [*(["pretext"] if pretext else []), *(COLUMNS if cost else [])]
    header = ["pretraining", *table.layers, *columns, "trunks", "architecture"]
    rows = [
        [
            f"{line.label} {line.marks}".rstrip(),
            *(str(line.cells.get(layer, "-")) for layer in table.layers),
            *([str(line.pretext or "-")] if pretext else []),
            *((line.cost.cells() if line.cost else ["-"] * len(COLUMNS)) if cost else []),
            line.runs,
            line.trunk,
        ]
        for line in table.lines
    ]
    return header, rows
