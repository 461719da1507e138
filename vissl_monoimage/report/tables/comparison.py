"""The comparisons of a table's lines as text: gain, gap and share of each below each other, by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator

from vissl_monoimage.report.tables.baselines import is_calibrated
from vissl_monoimage.report.tables.contrasts import Contrast, GainShare, gains, gaps, shares
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.inference import LEVEL, MARGIN, Comparison
from vissl_monoimage.report.tables.shares import Share
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable

APART, EQUAL, NO_SHARE = "*", "=", "no share"
ONE_SEED = "one seed"

DIFFERENCES_NOTE = (
    "Gain: points above random weights of the same architecture. Gap: points above the same method on a data set, "
    "negative where it learns more. In brackets, the 95 % t-interval over seeds: of one photo, where there is one, so "
    "that it says nothing about other photos. Paired: the trunks of the two started from the same initial weights, by "
    "their hash (n=3 of 5: those of the larger set without a partner are left out); Welch: not all did, or it is not "
    "known; they count as independent."
)
MARKS_NOTE = (
    f"{APART} told apart, {EQUAL} equal within {MARGIN:g} point (two one-sided tests): p < {LEVEL:g} after Holm's "
    "correction over the layers of the line, while each interval holds on its own. What has neither mark is not told "
    "apart, which is not the same as equal."
)
SHARES_NOTE = (
    "Share: (accuracy from few images - baseline) / (the same method on a data set - its baseline), of means, with "
    "Fieller's 95 % interval. The two pretrainings may differ in more than their images, for example in steps."
)
NO_SHARE_NOTE = (
    f"{NO_SHARE}: the data set's own gain is not distinguishable from 0 in this layer (or not positive), so that the "
    "interval of a share of it has no end."
)
ONE_SEED_NOTE = f"{ONE_SEED}: no interval, a trial that makes no claim."


def comparison_table(table: Table) -> TextTable | None:
    """Return gain, gap and share of each line by layer; None if nothing compares."""
    rows = [row for line in table.lines for row in _rows(table, line)]
    if not rows:
        return None
    layers = [layer for layer in table.layers if any(layer in cells for _, _, cells, _ in rows)]
    filled = [
        [line.label, measure, *(cells.get(layer, "") for layer in layers), test, line.trunk]
        for line, measure, cells, test in rows
    ]
    texts = [text for row in filled for text in row]
    notes = [DIFFERENCES_NOTE, MARKS_NOTE]
    notes += [SHARES_NOTE] if any(measure.startswith("share") for _, measure, _, _ in rows) else []
    notes += [NO_SHARE_NOTE] if NO_SHARE in texts else []
    notes += [ONE_SEED_NOTE] if ONE_SEED in texts else []
    title = f"Gain, gap and share: {table.context}"
    header = ["pretraining", "measure", *layers, "test", "architecture"]
    return TextTable(title, header, filled, list(range(2, 2 + len(layers))), notes)


def describe_test(contrast: Contrast) -> str:
    """Return how two lines were compared, `paired, n=3`, `paired, n=3 of 5` or `Welch, n=3`; "one seed" without a test.

    Of layers with different numbers of trunks, that with the fewest counts.
    """
    if contrast.n < 2:
        return ONE_SEED
    if not contrast.is_paired:
        return f"Welch, n={contrast.n}"
    layer = min(contrast.layers, key=lambda layer: contrast.layers[layer].n)
    largest = max(len(line.by_weights[layer]) for line in (contrast.line, contrast.other))
    return f"paired, n={contrast.n}" + (f" of {largest}" if largest > contrast.n else "")


def describe_difference(comparison: Comparison) -> str:
    """Return a difference with its interval, `+3.9 (2.1 to 5.7)`, without it for one seed."""
    if math.isinf(comparison.low):
        return f"{comparison.mean:+.1f}"
    low, high = (round(end, 1) + 0.0 for end in (comparison.low, comparison.high))  # no -0.0
    return f"{comparison.mean:+.1f} ({low:.1f} to {high:.1f})"


def describe_share(share: Share | None) -> str:
    """Return a share in percent with its interval, `45 (27 to 59)`, or "no share"."""
    if share is None:
        return NO_SHARE
    return f"{share.percent:.0f}" if share.low is None else f"{share.percent:.0f} ({share.low:.0f} to {share.high:.0f})"


def _rows(table: Table, line: Line) -> Iterator[tuple[Line, str, dict[str, str], str]]:
    """Yield line, measure, cells by layer and test of all comparisons of a line."""
    for contrast in gains(table, line):
        yield line, f"gain over {contrast.other.label} (points)", _cells(contrast), describe_test(contrast)
    for contrast in gaps(table, line):
        yield line, f"gap to {contrast.other.label} (points)", _cells(contrast), describe_test(contrast)
    for share in shares(table, line):
        cells = {layer: describe_share(value) for layer, value in share.layers.items()}
        yield line, f"share of the gain of {share.full.label}{_over(share)} (%)", cells, _test(share)


def _cells(contrast: Contrast) -> dict[str, str]:
    return {
        layer: describe_difference(comparison)
        + (f" {APART}" if contrast.is_told_apart(layer) else "")
        + (f" {EQUAL}" if contrast.is_equal(layer) else "")
        for layer, comparison in contrast.layers.items()
    }


def _over(share: GainShare) -> str:
    return " over calibrated weights" if is_calibrated(share.baseline) else ""


def _test(share: GainShare) -> str:
    """Return how many seeds the interval of a share is of."""
    n = min(map(share.n, share.layers))
    return ONE_SEED if n < 2 else f"Fieller, n={n}"
