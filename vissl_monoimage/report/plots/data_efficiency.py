"""How many images a method needs: the accuracy of each layer against the number of images it learned from."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from vissl_monoimage.ledger.io import Row
from vissl_monoimage.report.plots.style import COLOURS, MARKERS, Figure, new_axes, svg
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.intervals import Cell
from vissl_monoimage.report.tables.table import Table

LEAST = 3  # different numbers of images: two points are no curve
# A ledger row names the data set alone. Training images, by the names that VISSL's and our YAMLs give them.
_IMAGENET, _PLACES = 1_281_167, 2_448_873
IMAGES_IN = {
    "cifar10": 50_000,
    "cifar100": 50_000,
    "imagenet1k": _IMAGENET,
    "imagenet1k_folder": _IMAGENET,
    "places205": _PLACES,
    "places205_folder": _PLACES,
}
_LIMIT = re.compile(r"config\.DATA\.TRAIN\.DATA_LIMIT=(-?\d+)")
_SMOKE = re.compile(r"\+config/monoimage=\S*smoke")  # eight samples of whatever it is


@dataclasses.dataclass(frozen=True)
class EfficiencyCurve:
    """One method and trunk: {number of images: its lines}, in order, and {layer: accuracy} of random weights."""

    method: str
    trunk: str
    lines: dict[int, list[Line]]
    random: Mapping[str, Cell]


def image_count(pretrain: Row) -> float:
    """The number of source images a pretraining learned from; infinite where it is not known, 0 of a smoke run."""
    if pretrain.images:
        return len(pretrain.images)
    if _SMOKE.search(pretrain.command):
        return 0
    count = IMAGES_IN.get(pretrain.dataset.lower(), math.inf)
    limit = int(["-1", *_LIMIT.findall(pretrain.command)][-1])
    return min(count, limit) if limit >= 0 else count


def efficiency_curves(table: Table) -> list[EfficiencyCurve]:
    """Of each method and trunk of `table` that learned from at least three different numbers of images."""
    groups: dict[tuple[str, str], dict[int, list[Line]]] = {}
    for line in table.lines:
        if line.pretrain and 0 < (count := image_count(line.pretrain)) < math.inf:
            groups.setdefault((line.pretrain.method, line.trunk), {}).setdefault(int(count), []).append(line)
    return [
        EfficiencyCurve(method, trunk, dict(sorted(lines.items())), _random(table, trunk))
        for (method, trunk), lines in groups.items()
        if len(lines) >= LEAST
    ]


def efficiency_figures(table: Table) -> list[Figure]:
    """The curves of `table`, one for each of `needed`."""
    return [_figure(one, table) for one in efficiency_curves(table)]


def plot_curve(one: EfficiencyCurve, layers: Sequence[str]) -> Canvas:
    """A curve a layer over a logarithmic axis, and a dotted line at what random weights have there.

    Lines of the same number of images are points one above the other, and the curve runs through their mean.
    """
    canvas, axes = new_axes(4.4)
    axes.set_xscale("log")
    axes.minorticks_off()
    for number, layer in enumerate(layers):
        _draw(axes, one, layer, number, len(layers))
    axes.set_xticks(list(one.lines), [f"{count:,}" for count in one.lines])
    axes.set(xlabel="images learned from", ylabel="top-1 accuracy (%)")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=min(len(layers), 4))
    return canvas


def _draw(axes: Axes, one: EfficiencyCurve, layer: str, number: int, layers: int) -> None:
    colour, mark = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    cells = {count: [line.cells[layer] for line in lines if layer in line.cells] for count, lines in one.lines.items()}
    aside = 10 ** (0.03 * (number - (layers - 1) / 2))  # bars of different layers do not cover each other
    points = [(count * aside, cell) for count, several in cells.items() for cell in several]
    axes.errorbar(
        [x for x, _ in points],
        [cell.mean for _, cell in points],
        yerr=[cell.half_width or 0.0 for _, cell in points],
        label=layer,
        fmt=mark,
        color=colour,
        markersize=5,
        capsize=3,
    )
    means = [(count * aside, fmean(cell.mean for cell in several)) for count, several in cells.items() if several]
    axes.plot(*zip(*means, strict=True), color=colour, linewidth=1.5)
    if layer in one.random:
        axes.axhline(one.random[layer].mean, color=colour, linestyle=":", linewidth=1.2)


def _figure(one: EfficiencyCurve, table: Table) -> Figure:
    lines = [line for several in one.lines.values() for line in several]
    layers = [layer for layer in table.layers if any(layer in line.cells for line in lines)]
    said = [(_said(count), line.cells) for count, several in one.lines.items() for line in several]
    values = "; ".join(
        f"{name}: " + ", ".join(f"{layer} {cells[layer]}" for layer in layers if layer in cells)
        for name, cells in [*said, *([("random weights", one.random)] if one.random else [])]
    )
    steps = sorted({line.pretrain.iterations for line in lines if line.pretrain})
    trained = f"{steps[0]:,} steps" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,} steps"
    return Figure(
        svg(plot_curve(one, layers)),
        "image/svg+xml",
        f"Line plot of accuracy against the number of images that {one.method} learned from. {values}.",
        f"{one.method} on {one.trunk} by the number of its source images, trained for {trained}"
        f"{'; dotted: random weights' if one.random else ''}. {table.context}; bars are 95 % intervals where n > 1. "
        "The trainings may differ in more than their images.",
    )


def _said(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"


def _random(table: Table, trunk: str) -> Mapping[str, Cell]:
    """Of several lines of random weights, those of the most seeds."""
    lines = [line for line in table.lines if line.is_random and line.trunk == trunk]
    return max(lines, key=lambda line: len(line.seeds)).cells if lines else {}
