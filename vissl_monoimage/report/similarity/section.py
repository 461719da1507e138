"""A comparison of layers as a plot and a table."""

from __future__ import annotations

import dataclasses
import math

from vissl_monoimage.report.plots.layers import Series, over_layers
from vissl_monoimage.report.plots.style import Figure, svg
from vissl_monoimage.report.similarity.compare import Similarity
from vissl_monoimage.report.tables.intervals import Cell
from vissl_monoimage.report.tables.text_table import TextTable

NOTE = (
    "1: the same features but for rotation and scale; around 0: nothing in common. Networks of one seed begin, as a "
    "rule, with the same weights and keep much of them in a short training. So random weights are the lower end of the "
    "scale, and a layer no more alike than they are shows nothing that both learned. What the reference shares with "
    "its own other seeds, which began elsewhere, is shown where it has several. How alike features are says nothing "
    "of how good they are."
)
METHOD = (
    "debiased linear CKA, HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y)), HSIC the unbiased estimate from the Gram matrices "
    "XX' and YY' (Kornblith et al., 2019; Song et al., 2012)"
)


@dataclasses.dataclass(frozen=True)
class SimilarityBlock:
    """A plot, and its numbers."""

    figure: Figure
    table: TextTable


def similarity_block(comparison: Similarity) -> SimilarityBlock:
    """What the page shows of a comparison."""
    layers = comparison.layers
    rows = [[line.name, *(_shown(line.cells[layer]) for layer in layers), line.pairs] for line in comparison.lines]
    title = f"CKA with {comparison.reference}: {comparison.trunk}"
    numeric = list(range(1, len(layers) + 1))
    table = TextTable(title, ["learned from", *layers, "pairs"], rows, numeric, [NOTE])
    return SimilarityBlock(_figure(comparison, rows), table)


def _figure(comparison: Similarity, rows: list[list[str]]) -> Figure:
    layers = comparison.layers
    series = [
        Series(line.name, line.cells, grey=line.is_random or line.is_reference, dashed=line.is_reference)
        for line in comparison.lines
    ]
    canvas, axes = over_layers(series, layers, "CKA with the same layer")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -0.1), min(high, 1.03))  # the bars of two pairs reach far beyond what CKA can be
    values = "; ".join(
        f"{name}: " + ", ".join(f"{layer} {value}" for layer, value in zip(layers, cells, strict=False))
        for name, *cells in rows
    )
    return Figure(
        svg(canvas),
        "image/svg+xml",
        f"Line plot of the CKA of each layer of {comparison.trunk} with that of {comparison.reference}. {values}.",
        f"Each layer of {comparison.trunk} beside the same layer of {comparison.reference}: {METHOD}, X and Y the "
        f"features of n = {comparison.images} test images of photo_patches, sized, normalised and pooled as the probe "
        "on them does. Networks of the same training seed are paired; bars are 95 % intervals over the pairs, where "
        "n > 1.",
    )


def _shown(cell: Cell) -> str:
    """Two digits: a hundredth is what so few images tell apart."""
    if math.isnan(cell.mean):
        return "-"
    return f"{cell.mean:.2f}" if cell.half_width is None else f"{cell.mean:.2f} ± {cell.half_width:.2f}"
