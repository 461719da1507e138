"""The paper's claims 1 to 3 and 5, judged for each method that learned from one photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vissl_monoimage.report.claims.names import baseline_name, images_name
from vissl_monoimage.report.claims.wording import describe_gain, describe_gap, describe_shares
from vissl_monoimage.report.tables.baselines import data_set_lines, is_baseline, is_full_data_set
from vissl_monoimage.report.tables.comparison import describe_difference, describe_share
from vissl_monoimage.report.tables.contrasts import Contrast, gains, gaps, shares
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.inference import LEVEL, Comparison, Values, compare
from vissl_monoimage.report.tables.shares import ratio
from vissl_monoimage.report.tables.table import Table

EARLY = 2
"""How many layers the paper calls early: conv1 and conv2."""
TWO_THIRDS = 200 / 3
_LAST = "conv5"


def one_photo_lines(table: Table) -> list[Line]:
    """Return the lines that were pretrained on a single photo."""
    return [line for line in table.lines if line.pretrain and len(line.pretrain.images) == 1 and not is_baseline(line)]


def more_than_untrained(table: Table, line: Line) -> Iterator[str]:
    """Yield claim 1: one image teaches more than no training, over each baseline that the table has."""
    for contrast in gains(table, line):
        if contrast.n > 1:
            yield describe_gain(contrast, baseline_name(contrast.other))


def as_much_as_data_set(table: Table, line: Line) -> Iterator[str]:
    """Yield claim 2: for early layers one image teaches as much as a data set."""
    for contrast in _compared(table, line):
        layers = [layer for layer in table.layers if layer in contrast.layers][:EARLY]
        yield describe_gap(contrast, layers)
        yield from _shares(table, contrast, layers)


def gap_by_depth(table: Table, line: Line) -> Iterator[str]:
    """Yield claim 3: the gap to the data set grows with depth."""
    for contrast in _compared(table, line):
        layers = [layer for layer in table.layers if layer in contrast.layers]
        slope = gap_slope(contrast, layers)
        if slope is None or slope.n < 2:
            continue
        ends = f"from {contrast.layers[layers[0]].mean:+.1f} at {layers[0]} to {contrast.layers[layers[-1]].mean:+.1f}"
        change = f"{describe_difference(slope).replace(' ', ' points a layer ', 1)}, {ends} at {layers[-1]}"
        yield f"{_trend(slope, contrast, layers[-1])}, {change}"
        yield from _shares(table, contrast, layers[EARLY:])


def _trend(slope: Comparison, contrast: Contrast, last: str) -> str:
    """Return what a gap does with depth. It does not grow if the photo is ahead in the last layer."""
    images = images_name(contrast.other, contrast.line)
    if slope.p >= LEVEL:
        return f"no trend of the gap to {images} is told apart"
    if slope.mean > 0:
        return f"the gap to {images} does not grow with depth but moves in the photo's favour"
    if contrast.layers[last].mean >= 0:
        return f"the photo's lead over {images} shrinks with depth"
    if not contrast.is_told_apart(last):
        return f"the gap to {images} moves in the data set's favour with depth"
    return f"the gap to {images} grows with depth"


def two_thirds_at_conv5(table: Table, line: Line) -> Iterator[str]:
    """Yield claim 5: at conv5 one image reaches two thirds of the data set's accuracy."""
    for full in _full_data_lines(table, line):
        values = [each.by_weights.get(_LAST) for each in (line, full)]
        share = ratio(*values) if all(values) else None  # type: ignore[arg-type]
        if share and share.low is not None and share.high is not None:
            number, _, interval = describe_share(share).partition(" ")
            place = "lie within" if share.low <= TWO_THIRDS <= share.high else "lie outside of"
            yield (
                f"one photo has {number} % {interval} of the accuracy of {images_name(full, line)} at {_LAST}; two "
                f"thirds {place} the interval"
            )


def gap_slope(contrast: Contrast, layers: Sequence[str]) -> Comparison | None:
    """Return by how many points the gap changes from a layer to the next; None with fewer than two layers.

    The slope of the least-squares line through the accuracies of each trunk, compared like the accuracies themselves.
    """
    if len(layers) < 2:
        return None
    return compare(_slopes(contrast.line, layers), _slopes(contrast.other, layers))


def _slopes(line: Line, layers: Sequence[str]) -> Values:
    trunks = set.intersection(*(set(line.by_weights[layer]) for layer in layers))
    places = np.arange(len(layers))
    return {
        trunk: float(np.polyfit(places, [line.by_weights[layer][trunk] for layer in layers], 1)[0])
        for trunk in sorted(trunks)
    }


def _compared(table: Table, line: Line) -> list[Contrast]:
    """Return the gaps to whole data sets that have several seeds."""
    full = _full_data_lines(table, line)
    return [contrast for contrast in gaps(table, line) if contrast.n > 1 and contrast.other in full]


def _full_data_lines(table: Table, line: Line) -> list[Line]:
    return [full for full in data_set_lines(line, table.lines) if is_full_data_set(full, table.lines)]


def _shares(table: Table, contrast: Contrast, layers: Sequence[str]) -> Iterator[str]:
    for share in shares(table, contrast.line):
        if share.full is contrast.other and (sentence := describe_shares(share, layers)):
            yield sentence
