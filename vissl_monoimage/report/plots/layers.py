"""Plots over the layers of a network, a line for each thing that taught it."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from vissl_monoimage.report.plots.style import COLOURS, GREY, MARKERS, Figure, new_axes, svg
from vissl_monoimage.report.tables.intervals import Cell
from vissl_monoimage.report.tables.table import Table

_LEGEND = 58  # letters in a line of a legend


@dataclasses.dataclass(frozen=True)
class Series:
    """A line: its name, a value for each of some layers, and how it is drawn; grey is for the ends of a scale."""

    name: str
    cells: Mapping[str, Cell]
    grey: bool
    dashed: bool = False


def over_layers(series: Sequence[Series], layers: Sequence[str], ylabel: str) -> tuple[Canvas, Axes]:
    """Values with their intervals against layers, the legend below."""
    names = [textwrap.fill(one.name, _LEGEND) for one in series]
    canvas, axes = new_axes(3.0 + 0.2 * sum(name.count("\n") + 1 for name in names))
    colours = iter(COLOURS * len(series))
    for number, one in enumerate(series):
        aside = 0.03 * (number - (len(series) - 1) / 2)  # bars of different lines do not cover each other
        axes.errorbar(
            [layers.index(layer) + aside for layer in one.cells],
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
    axes.set_xlim(-0.3, len(layers) - 0.7)  # a single layer stands in the middle too
    axes.set_ylabel(ylabel)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.08))
    return canvas, axes


def per_layer(table: Table) -> Figure:
    """Accuracy against layer for each line of a table, with its intervals."""
    series = [
        Series(f"{line.label}, n={max(1, len(line.seeds))}", line.cells, grey=line.is_random) for line in table.lines
    ]
    canvas, _ = over_layers(series, table.layers, "top-1 accuracy (%)")
    values = "; ".join(
        f"{line.label}: " + ", ".join(f"{layer} {cell}" for layer, cell in line.cells.items()) for line in table.lines
    )
    return Figure(
        svg(canvas),
        "image/svg+xml",
        f"Line plot of {table.title}. {values}.",
        f"{table.dataset}, protocol {table.protocol}; bars are 95 % intervals where n > 1.",
    )
