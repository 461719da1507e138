"""Plots over layers: positions, styles and labels."""

from __future__ import annotations

import pytest

from vissl_monoimage.report.plots.layers import Series, plot_over_layers
from vissl_monoimage.report.plots.style import GREY, svg
from vissl_monoimage.report.tables.intervals import Cell


def test_each_value_is_drawn_at_its_layer() -> None:
    layers = ["conv1", "conv2", "pool2", "J2"]
    series = [
        Series("random weights", {"conv1": Cell(60, None, 1), "pool2": Cell(61, 2.0, 3)}, grey=True),
        Series("scattering", {"J2": Cell(70, None, 1)}, grey=False, dashed=True),
    ]
    _, axes = plot_over_layers(series, layers, "top-1 accuracy (%)")
    drawn = [bars.lines[0] for bars in axes.containers]
    assert [[layers[round(x)] for x in line.get_xdata()] for line in drawn] == [["conv1", "pool2"], ["J2"]]
    assert [list(line.get_ydata()) for line in drawn] == [[60, 61], [70]]
    assert [line.get_linestyle() for line in drawn] == ["-", "--"]
    assert [line.get_color() == GREY for line in drawn] == [True, False]
    assert [label.get_text() for label in axes.get_xticklabels()] == layers


def test_a_single_layer_is_centred_with_its_values_close_together() -> None:
    series = [Series(name, {"pool2": Cell(74, None, 1)}, grey=False) for name in ("random weights", "rotnet")]
    _, axes = plot_over_layers(series, ["pool2"], "%")
    left, right = axes.get_xlim()
    places = [bars.lines[0].get_xdata()[0] for bars in axes.containers]
    assert left + right == pytest.approx(0)
    assert max(map(abs, places)) < (right - left) / 20


def test_twelve_lines_have_different_styles() -> None:
    one = {"conv1": Cell(60.0, None, 1)}
    _, axes = plot_over_layers(
        [Series(f"line {number}", one, grey=number == 0) for number in range(12)], ["conv1"], "%"
    )
    drawn = [bars.lines[0] for bars in axes.containers]
    assert len({(line.get_color(), line.get_marker()) for line in drawn}) == 12


def test_a_name_that_begins_with_an_underscore_is_in_the_legend() -> None:
    """Matplotlib leaves such labels out unless they are given with their lines."""
    _, axes = plot_over_layers([Series("_mine on set", {"conv1": Cell(60.0, None, 1)}, grey=False)], ["conv1"], "%")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["_mine on set"]


def test_a_dollar_sign_starts_no_formula() -> None:
    layers = ["$conv_1$", "$\\frac{$"]
    cells = dict.fromkeys(layers, Cell(60.0, None, 1))
    canvas, _ = plot_over_layers([Series("rotnet on $\\frac{$", cells, grey=False)], layers, "%")
    assert b"<svg" in svg(canvas)
