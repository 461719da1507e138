"""Whether pretext tasks transfer: what was measured of them on images that were not trained on."""

from __future__ import annotations

from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.intervals import interval
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable

NOTE = (
    "Each pretext task on images that its training did not see, by set of images: what docs/ledger.md describes under "
    "`pretext.transfer`, mean over the pretrainings ± half the width of its 95 % t-interval. A task that is solved on "
    "crops of the training photo alone has been learned by heart."
)


def transfer_table(table: Table) -> TextTable | None:
    """Return a row for each line and measure, and a column for each set of images; None if nothing was measured."""
    measured = {line.label: _by_measure(line) for line in table.lines}
    by_sets = [by_set for by_measure in measured.values() for by_set in by_measure.values()]
    sets = list(dict.fromkeys(name for by_set in by_sets for name in by_set))
    rows = [
        [label, measure.replace("_", " "), *(_cell(by_set.get(name, [])) for name in sets)]
        for label, by_measure in measured.items()
        for measure, by_set in by_measure.items()
    ]
    if not rows:
        return None
    header = ["pretraining", "measure", *(name.replace("_", " ") for name in sets)]
    title = f"Pretext tasks on images not trained on: pretrainings of {table.context}"
    return TextTable(title, header, rows, list(range(2, len(header))), [NOTE])


def _by_measure(line: Line) -> dict[str, dict[str, list[float]]]:
    """Return {measure: {set of images: a number from each pretraining}}."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in line.pretrainings:
        for images, numbers in row.pretext.get("transfer", {}).items():
            for measure, number in numbers.items():
                found.setdefault(measure, {}).setdefault(images, []).append(float(number))
    return found


def _cell(numbers: list[float]) -> str:
    if not numbers:
        return "-"
    cell = interval(numbers)
    digits = 1 if abs(cell.mean) >= 2 else 3  # percentages and counts; errors and mutual information
    half = "" if cell.half_width is None else f" ± {cell.half_width:.{digits}f}"
    return f"{cell.mean:.{digits}f}{half}"
