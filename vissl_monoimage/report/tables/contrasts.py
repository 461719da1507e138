"""Lines of a table compared, layer by layer: gains over untrained weights, gaps to a data set, shares of its gain.

Lines are compared within an architecture. Trunks that start from the same initial weights are pairs; where they do not,
the sets are independent. What is called significant is so after Holm's correction over the layers of one line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from vissl_monoimage.report.tables.baselines import (
    calibrated_baseline,
    data_set_lines,
    is_baseline,
    random_baseline,
)
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.inference import LEVEL, Comparison, compare, holm
from vissl_monoimage.report.tables.shares import Share, share_of_gain
from vissl_monoimage.report.tables.table import Table


@dataclasses.dataclass(frozen=True)
class Contrast:
    """A line less another, in points by layer.

    Attributes:
        line: what is compared.
        other: what it is compared with.
        layers: {layer: difference}, of the layers that both have.
        p: {layer: p-value of "no difference"}, adjusted after Holm over the layers.
        p_equivalence: {layer: p-value of "at least `MARGIN` points apart"}, likewise.
    """

    line: Line
    other: Line
    layers: Mapping[str, Comparison]
    p: Mapping[str, float]
    p_equivalence: Mapping[str, float]

    def is_told_apart(self, layer: str) -> bool:
        """Return whether there is a difference in a layer."""
        return self.p[layer] < LEVEL

    def is_equal(self, layer: str) -> bool:
        """Return whether the two are equal in a layer within `MARGIN` points."""
        return self.p_equivalence[layer] < LEVEL

    @property
    def n(self) -> int:
        """Number of pairs, or of trunks in the smaller set, in the layer that has the fewest."""
        return min(comparison.n for comparison in self.layers.values())

    @property
    def is_paired(self) -> bool:
        """Whether the trunks are pairs of the same initial weights in every layer."""
        return all(comparison.paired for comparison in self.layers.values())


@dataclasses.dataclass(frozen=True)
class GainShare:
    """The share of a data set's gain that few images give.

    Attributes:
        line: pretrained on few images.
        full: the same method on a data set, or on a part of it.
        baseline: what the line gains over.
        full_baseline: what the data set gains over, which may have been calibrated on its own images.
        layers: {layer: share}; None where there is no share to speak of.
    """

    line: Line
    full: Line
    baseline: Line
    full_baseline: Line
    layers: Mapping[str, Share | None]

    def n(self, layer: str) -> int:
        """Return how many trunks the smallest set of a layer has; a share of one seed makes no claim."""
        return min(len(of.by_weights[layer]) for of in (self.line, self.full, self.baseline, self.full_baseline))


def contrast(line: Line, other: Line) -> Contrast | None:
    """Return `line` less `other`; None if they share no layer."""
    layers = {
        layer: compare(values, other.by_weights[layer])
        for layer, values in line.by_weights.items()
        if layer in other.by_weights
    }
    if not layers:
        return None
    return Contrast(
        line,
        other,
        layers,
        holm({layer: comparison.p for layer, comparison in layers.items()}),
        holm({layer: comparison.p_equivalence for layer, comparison in layers.items()}),
    )


def gains(table: Table, line: Line) -> list[Contrast]:
    """Return a line less its baselines, those that there are: random weights, and these calibrated on its images.

    Random weights are no gain over themselves, but calibrated ones are one over random weights.
    """
    if line.is_random or line.is_fixed:
        return []
    baselines = [random_baseline(line, table.lines)]
    if not is_baseline(line):
        baselines.append(calibrated_baseline(line, table.lines))
    return [found for other in baselines if other and (found := contrast(line, other))]


def gaps(table: Table, line: Line) -> list[Contrast]:
    """Return a line less the lines of its method on data sets or parts of them; none for a line of a data set."""
    return [found for full in data_set_lines(line, table.lines) if (found := contrast(line, full))]


def shares(table: Table, line: Line) -> Iterator[GainShare]:
    """Yield the shares of a line in the gain of data sets, over each kind of baseline that both have."""
    for full in data_set_lines(line, table.lines):
        for kind in (random_baseline, calibrated_baseline):
            baseline, full_baseline = kind(line, table.lines), kind(full, table.lines)
            if baseline and full_baseline and (layers := _shares(line, full, baseline, full_baseline)):
                yield GainShare(line, full, baseline, full_baseline, layers)


def _shares(*lines: Line) -> dict[str, Share | None]:
    shared = [layer for layer in lines[0].by_weights if all(layer in line.by_weights for line in lines)]
    return {layer: share_of_gain(*(line.by_weights[layer] for line in lines)) for layer in shared}
