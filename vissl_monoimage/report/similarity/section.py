"""A comparison of layers as a plot and a table."""

from __future__ import annotations

import dataclasses
import math

from vissl_monoimage.report.plots.layers import Series, plot_over_layers
from vissl_monoimage.report.plots.style import Figure, svg
from vissl_monoimage.report.similarity.compare import Similarity
from vissl_monoimage.report.tables.intervals import Cell
from vissl_monoimage.report.tables.text_table import TextTable

NOTE = (
    "1: the same features up to rotation and scale; around 0: nothing in common. Networks of one seed usually start "
    "from the same weights and keep much of them in a short training. Random weights are therefore the lower end of "
    "the scale: a layer no more similar to the reference than they are shows nothing that both learned. Other seeds of "
    "the reference, which started from other weights, are the upper end where there are several. Similarity says "
    "nothing about how good the features are."
)
METHOD = (
    "debiased linear CKA, HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y)), with HSIC estimated without bias from the Gram "
    "matrices XX' and YY' (Kornblith et al., 2019; Song et al., 2012)"
)


@dataclasses.dataclass(frozen=True)
class SimilarityBlock:
    """What the page shows of a comparison: a plot and its numbers."""

    figure: Figure
    table: TextTable


def similarity_block(similarity: Similarity) -> SimilarityBlock:
    """Return the plot and the table of a comparison."""
    layers = similarity.layers
    rows = [[line.name, *(_format(line.cells[layer]) for layer in layers), line.pairs] for line in similarity.lines]
    title = f"CKA with {similarity.reference}: {similarity.trunk}"
    numeric = list(range(1, len(layers) + 1))
    table = TextTable(title, ["pretraining", *layers, "pairs"], rows, numeric, [NOTE])
    return SimilarityBlock(_figure(similarity, rows), table)


def _figure(similarity: Similarity, rows: list[list[str]]) -> Figure:
    layers = similarity.layers
    series = [
        Series(line.name, line.cells, grey=line.is_random or line.is_reference, dashed=line.is_reference)
        for line in similarity.lines
    ]
    canvas, axes = plot_over_layers(series, layers, "CKA with the same layer")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -0.1), min(high, 1.03))  # error bars of two pairs reach far beyond the range of CKA
    values = "; ".join(
        f"{name}: " + ", ".join(f"{layer} {value}" for layer, value in zip(layers, cells, strict=False))
        for name, *cells in rows
    )
    return Figure(
        svg(canvas),
        "image/svg+xml",
        f"Line plot of the CKA of each layer of {similarity.trunk} with that of {similarity.reference}. {values}.",
        f"Each layer of {similarity.trunk} compared with the same layer of {similarity.reference}: {METHOD}. X and Y "
        f"are the features of n = {similarity.images} test images of photo_patches, resized, normalised and pooled as "
        "in the probe on them. Networks of the same training seed are paired; bars are 95 % intervals over the pairs, "
        "where n > 1.",
    )


def _format(cell: Cell) -> str:
    """Return a cell with two digits: so few images distinguish no more than hundredths."""
    if math.isnan(cell.mean):
        return "-"
    return f"{cell.mean:.2f}" if cell.half_width is None else f"{cell.mean:.2f} ± {cell.half_width:.2f}"
