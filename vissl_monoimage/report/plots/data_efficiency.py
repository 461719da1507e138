"""Data efficiency: the accuracy of each layer against the number of images used for pretraining."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from vissl_monoimage.report.plots.style import COLOURS, MARKERS, Figure, new_axes, svg
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.intervals import Cell
from vissl_monoimage.report.tables.table import Table

LEAST = 3  # different numbers of images: two points are no curve


@dataclasses.dataclass(frozen=True)
class EfficiencyCurve:
    """The experiments of one method and trunk by their number of images.

    Attributes:
        method: the pretraining method.
        trunk: the architecture.
        lines: {number of images: experiments}, in increasing order.
        random: {layer: accuracy} of random weights; empty if there are none.
    """

    method: str
    trunk: str
    lines: dict[int, list[Line]]
    random: Mapping[str, Cell]


def efficiency_curves(table: Table) -> list[EfficiencyCurve]:
    """Return the curves of each method and trunk pretrained on at least `LEAST` different numbers of images."""
    groups: dict[tuple[str, str], dict[int, list[Line]]] = {}
    for line in table.lines:
        if line.pretrain and (count := line.pretrain.n_images):
            groups.setdefault((line.pretrain.method, line.trunk), {}).setdefault(count, []).append(line)
    return [
        EfficiencyCurve(method, trunk, dict(sorted(lines.items())), _random(table, trunk))
        for (method, trunk), lines in groups.items()
        if len(lines) >= LEAST
    ]


def efficiency_figures(table: Table) -> list[Figure]:
    """Return a plot of each of the table's `efficiency_curves`."""
    return [_figure(curve, table) for curve in efficiency_curves(table)]


def plot_curve(curve: EfficiencyCurve, layers: Sequence[str]) -> Canvas:
    """Return a plot with a curve per layer over a logarithmic axis, and random weights as dotted lines.

    Experiments with the same number of images are points one above the other; the curve runs through their mean.
    """
    canvas, axes = new_axes(4.4)
    axes.set_xscale("log")
    axes.minorticks_off()
    for number, layer in enumerate(layers):
        _draw(axes, curve, layer, number, len(layers))
    axes.set_xticks(list(curve.lines), [f"{count:,}" for count in curve.lines])
    axes.set(xlabel="images used for pretraining", ylabel="top-1 accuracy (%)")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=min(len(layers), 4))
    return canvas


def _draw(axes: Axes, curve: EfficiencyCurve, layer: str, number: int, layers: int) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    cells = {
        count: [line.cells[layer] for line in lines if layer in line.cells] for count, lines in curve.lines.items()
    }
    offset = 10 ** (0.03 * (number - (layers - 1) / 2))  # keeps error bars of different layers apart
    points = [(count * offset, cell) for count, several in cells.items() for cell in several]
    axes.errorbar(
        [x for x, _ in points],
        [cell.mean for _, cell in points],
        yerr=[cell.half_width or 0.0 for _, cell in points],
        label=layer,
        fmt=marker,
        color=colour,
        markersize=5,
        capsize=3,
    )
    means = [(count * offset, fmean(cell.mean for cell in several)) for count, several in cells.items() if several]
    axes.plot(*zip(*means, strict=True), color=colour, linewidth=1.5)
    if layer in curve.random:
        axes.axhline(curve.random[layer].mean, color=colour, linestyle=":", linewidth=1.2)


def _figure(curve: EfficiencyCurve, table: Table) -> Figure:
    lines = [line for several in curve.lines.values() for line in several]
    layers = [layer for layer in table.layers if any(layer in line.cells for line in lines)]
    named = [(_describe(count), line.cells) for count, several in curve.lines.items() for line in several]
    values = "; ".join(
        f"{name}: " + ", ".join(f"{layer} {cells[layer]}" for layer in layers if layer in cells)
        for name, cells in [*named, *([("random weights", curve.random)] if curve.random else [])]
    )
    steps = sorted({line.pretrain.iterations for line in lines if line.pretrain})
    trained = f"{steps[0]:,} steps" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,} steps"
    return Figure(
        svg(plot_curve(curve, layers)),
        "image/svg+xml",
        f"Line plot of accuracy against the number of images used for pretraining with {curve.method}. {values}.",
        f"{curve.method} on {curve.trunk} by the number of source images, trained for {trained}"
        f"{'; dotted: random weights' if curve.random else ''}. {table.context}; bars are 95 % intervals where n > 1. "
        "The pretrainings may differ in more than their images.",
    )


def _describe(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"


def _random(table: Table, trunk: str) -> Mapping[str, Cell]:
    """Return the accuracies of the random weights with the most seeds."""
    lines = [line for line in table.lines if line.is_random and line.trunk == trunk]
    return max(lines, key=lambda line: len(line.seeds)).cells if lines else {}
