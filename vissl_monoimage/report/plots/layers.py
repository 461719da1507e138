"""Plots over the layers of a network, with a line for each pretraining."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from vissl_monoimage.report.plots.style import COLOURS, GREY, MARKERS, Figure, new_axes, svg
from vissl_monoimage.report.tables.baselines import is_calibrated
from vissl_monoimage.report.tables.intervals import Cell
from vissl_monoimage.report.tables.table import Table

_LEGEND_WIDTH = 58  # characters


@dataclasses.dataclass(frozen=True)
class Series:
    """A line of a plot.

    Attributes:
        name: its entry in the legend.
        cells: {layer: value}, for some of the plot's layers.
        grey: whether it is drawn in grey, as the ends of a scale are.
        dashed: whether it is dashed.
    """

    name: str
    cells: Mapping[str, Cell]
    grey: bool
    dashed: bool = False


def plot_over_layers(series: Sequence[Series], layers: Sequence[str], ylabel: str) -> tuple[Canvas, Axes]:
    """Return a plot of values with their intervals against layers, the legend below it."""
    names = [textwrap.fill(one.name, _LEGEND_WIDTH) for one in series]
    canvas, axes = new_axes(3.0 + 0.2 * sum(name.count("\n") + 1 for name in names))
    colours = iter(COLOURS * len(series))
    for number, one in enumerate(series):
        offset = 0.03 * (number - (len(series) - 1) / 2)  # keeps error bars from covering each other
        axes.errorbar(
            [layers.index(layer) + offset for layer in one.cells],
            [cell.mean for cell in one.cells.values()],
            yerr=[cell.half_width or 0.0 for cell in one.cells.values()],
            label=names[number],
            color=GREY if one.grey else next(colours),
            linestyle="--" if one.dashed else "-",
            marker=MARKERS[number % len(MARKERS)],
            markersize=5,
            capsize=3,
            linewidth=1.5,
        )
    axes.set_xticks(range(len(layers)), layers)
    axes.set_xlim(-0.3, len(layers) - 0.7)  # centres a single layer too
    axes.set_ylabel(ylabel)
    # With its lines: matplotlib leaves out labels that begin with an underscore unless they are given.
    axes.legend(axes.containers, names, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.08))
    return canvas, axes


def accuracy_by_layer(table: Table) -> Figure:
    """Return a plot of the accuracies of a table by layer, with their intervals."""
    series = [
        Series(
            f"{line.label}, n={max(1, len(line.seeds))}",
            line.cells,
            grey=line.is_random or is_calibrated(line),
            dashed=is_calibrated(line),
        )
        for line in table.lines
    ]
    canvas, _ = plot_over_layers(series, table.layers, "top-1 accuracy (%)")
    values = "; ".join(
        f"{line.label}: " + ", ".join(f"{layer} {cell}" for layer, cell in line.cells.items()) for line in table.lines
    )
    return Figure(
        svg(canvas),
        "image/svg+xml",
        f"Line plot of {table.title}. {values}.",
        f"{table.dataset}, protocol {table.protocol}; bars are 95 % intervals where n > 1.",
    )
