"""Tables as CSV for other programs: accuracies, and comparisons between experiments, by layer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from vissl_monoimage.report.tables.contrasts import gains, gaps, shares
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.table import Table

HEADER = (
    *("protocol", "dataset", "method", "trunk", "layer", "n", "mean", "half_width_95", "seeds"),
    *("images_seen", "steps", "core_hours", "gpu_hours"),
)
COMPARISONS_HEADER = (
    *("protocol", "dataset", "method", "trunk", "layer", "measure", "other", "baseline", "full_baseline"),
    *("estimate", "low_95", "high_95", "p_holm", "p_equivalence_holm", "paired", "n"),
)


def tables_as_csv(tables: Sequence[Table]) -> str:
    """Return CSV text with `HEADER`.

    Means are in percent; half_width_95 is empty for n = 1, and the cost of a pretraining where it is not known or there
    is none; seeds are separated by spaces. The name of a protocol is followed by the changes to it, so that no two
    tables share a protocol and data set.
    """
    rows = []
    for table in tables:
        for line in table.lines:
            cost = line.cost
            hours = [_number(value) for value in (cost.core_hours, cost.gpu_hours)] if cost else ["", ""]
            costs = ["" if cost.images is None else cost.images, cost.steps, *hours] if cost else [""] * 4
            for layer, cell in line.cells.items():
                values = (cell.n, f"{cell.mean:.4f}", _number(cell.half_width), " ".join(line.seeds))
                rows.append([*_names(table, line), layer, *values, *costs])
    return _text(HEADER, rows)


def comparisons_as_csv(tables: Sequence[Table]) -> str:
    """Return CSV text with `COMPARISONS_HEADER`: a row for each comparison and layer.

    `measure` is gain (points over `other`), gap (points above `other`) or share: percent, the gain over `baseline` of
    the gain of `other` over `full_baseline`, which are not the same where each is calibrated on its own images. `n` is
    the number of pairs, or of trunks in the smallest set. The interval is empty for one seed, and so is the estimate of
    a share without end.
    """
    rows = []
    for table in tables:
        for line in table.lines:
            names = _names(table, line)
            for measure, contrasts in (("gain", gains(table, line)), ("gap", gaps(table, line))):
                for contrast in contrasts:
                    for layer, found in contrast.layers.items():
                        several = found.n > 1
                        tests = (contrast.p[layer], contrast.p_equivalence[layer]) if several else (None, None)
                        ends = (found.low, found.high) if several else (None, None)
                        numbers = map(_number, (found.mean, *ends, *tests))
                        rows.append(
                            [*names, layer, measure, contrast.other.label, "", "", *numbers, found.paired, found.n]
                        )
            for share in shares(table, line):
                for layer, value in share.layers.items():
                    numbers = map(_number, (value.percent, value.low, value.high) if value else (None, None, None))
                    labels = (share.full.label, share.baseline.label, share.full_baseline.label)
                    rows.append([*names, layer, "share", *labels, *numbers, "", "", "", share.n(layer)])
    return _text(COMPARISONS_HEADER, rows)


def _names(table: Table, line: Line) -> tuple[str, str, str, str]:
    return "; ".join([table.protocol, *table.changes]), table.dataset, line.label, line.trunk


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _cell(value: object) -> object:
    """Return a value so that no spreadsheet takes it for a formula: such a name gets an apostrophe in front."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()
