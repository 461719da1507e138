"""Tables as one CSV for other programs, with a row for each experiment, layer and protocol."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from vissl_monoimage.report.tables.table import Table

HEADER = ("protocol", "dataset", "method", "trunk", "layer", "n", "mean", "half_width_95", "seeds")


def tables_as_csv(tables: Sequence[Table]) -> str:
    """Return CSV text with `HEADER`: means in percent, half_width_95 empty for n = 1, seeds separated by spaces.

    The name of a protocol is followed by the changes to it, so that no two tables share a protocol and data set.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for table in tables:
        protocol = "; ".join([table.protocol, *table.changes])
        for line in table.lines:
            for layer, cell in line.cells.items():
                half = "" if cell.half_width is None else f"{cell.half_width:.4f}"
                name = (protocol, table.dataset, line.label, line.trunk, layer)
                writer.writerow([*name, cell.n, f"{cell.mean:.4f}", half, " ".join(line.seeds)])
    return text.getvalue()
