"""Plots of accuracy against the number of images: when there is one, and where its points are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pages import page_of

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.report.plots.data_efficiency import (
    efficiency_curves,
    efficiency_figures,
    plot_curve,
)
from vissl_monoimage.report.plots.style import COLOURS
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import build_tables

MakeRow = Callable[..., Row]
HEADING = "Accuracy by number of images"
ACCURACY = {1: 50.0, 10: 54.0, 1000: 59.0, 50_000: 61.0}


def rows_of(a_row: MakeRow, count: int, method: str = "rotnet", trunk: str = "convnet4", seed: int = 0) -> list[Row]:
    """Return a pretraining on `count` photos, or on CIFAR-10 for 50,000, and its probe."""
    name = f"{method}-{trunk}-{count}-{seed}"
    photos = [{"name": f"{number}.jpg", "path": f"{number}.jpg", "sha256": f"{number}"} for number in range(count)]
    photos = [] if count == 50_000 else photos
    dataset = "single_image" if photos else "CIFAR10"
    source = {"dataset": dataset, "images": photos, "n_images": count, "iterations": 10 * count}
    made = {"checkpoint_out": "/nowhere", "checkpoint_out_sha256": name, "protocol": None, "accuracies": {}}
    group = {"method": method, "trunk": trunk, "seed": seed, "group_hash": f"{method}{trunk}{count}"}
    top_1 = ACCURACY[count] + seed
    accuracies = {"conv1": {"top_1": top_1}, "conv2": {"top_1": top_1 + 5}}
    return [
        a_row(run_id=name, kind="pretrain", **group, **source, **made),
        a_row(run_id=f"{name}-p", trunk=trunk, weights=Weights(name, name), accuracies=accuracies),
    ]


def test_a_curve_needs_three_numbers_of_images(a_row: MakeRow) -> None:
    two = [*rows_of(a_row, 1), *rows_of(a_row, 50_000), *rows_of(a_row, 10, method="bigan")]
    two += rows_of(a_row, 10, trunk="resnet18")
    assert HEADING not in page_of(two)
    page = page_of([*two, *rows_of(a_row, 10)])
    assert page.count(HEADING) == 1
    assert page.count("number of images used for pretraining with rotnet") == 1


def test_points_and_error_bars_are_at_the_accuracies(a_row: MakeRow) -> None:
    rows = [row for count in (1, 10, 50_000) for seed in (0, 1) for row in rows_of(a_row, count, seed=seed)]
    rows.append(a_row(trunk="convnet4", accuracies={"conv1": {"top_1": 40.0}, "conv2": {"top_1": 41.0}}))
    table = build_tables(join_probes(rows))[0]
    (one,) = efficiency_curves(table)
    (axes,) = plot_curve(one, ["conv1", "conv2"]).axes
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10", "50,000"]
    for container, above in zip(axes.containers, (0, 5), strict=True):
        points, _, (bars,) = container.lines
        np.testing.assert_allclose(points.get_xdata().astype(float), [1, 10, 50_000], rtol=0.05)
        np.testing.assert_allclose(points.get_ydata().astype(float), np.array([50.5, 54.5, 61.5]) + above)
        lengths = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, 2 * 12.706 * np.sqrt(0.5) / np.sqrt(2), rtol=1e-3)  # t(0.975, 1)
    dotted = {line.get_color(): line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"}
    assert dotted == {COLOURS[0]: 40.0, COLOURS[1]: 41.0}
    (figure,) = efficiency_figures(table)
    assert "1 image: conv1 50.5 ± 6.4, conv2 55.5 ± 6.4; 10 images: " in figure.alt
    assert "50,000 images: conv1 61.5 ± 6.4" in figure.alt
    assert "random weights: conv1 40.0" in figure.alt
    assert "trained for 10 to 500,000 steps; dotted: random weights." in figure.caption


def test_the_curve_runs_through_the_mean_of_experiments_with_one_number(a_row: MakeRow) -> None:
    other = rows_of(a_row, 10, seed=4)
    rows = [*rows_of(a_row, 1), *rows_of(a_row, 10), *rows_of(a_row, 1000)]
    rows += [a_row(**{**vars(row), "group_hash": "another"}) for row in other]
    (one,) = efficiency_curves(build_tables(join_probes(rows))[0])
    (axes,) = plot_curve(one, ["conv1"]).axes
    np.testing.assert_allclose(axes.containers[0].lines[0].get_ydata().astype(float), [50, 54, 58, 59])
    (curve,) = (line for line in axes.lines if line.get_linestyle() == "-")
    np.testing.assert_allclose(curve.get_ydata(), [50, 56, 59])
    assert "dotted" not in efficiency_figures(build_tables(join_probes(rows))[0])[0].caption
