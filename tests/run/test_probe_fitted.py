"""Nearest neighbours and few-shot SVMs, from the launcher to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vissl_monoimage.ledger.io import read
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import build_tables

LAYERS = [f"conv{layer}" for layer in range(1, 5)]
SMALL = ["config.MODEL.TRUNK.NAME=convnet4", "config.MONOIMAGE.PATCHES.SIZE=32"]


def the_row(folder: Path) -> dict[str, Any]:
    (line,) = (folder / "ledger.jsonl").read_text().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_nearest_neighbours_are_in_the_report(monoimage: Any, small_probe: list[str], tmp_path: Path) -> None:
    overrides = [*small_probe, *SMALL, "+config/monoimage=knn", "config.NEAREST_NEIGHBOR.TOPK=20"]
    monoimage("run", *overrides)
    row = the_row(tmp_path / "probe")
    assert (row["protocol"], row["protocol_changes"]) == ("knn-v1", ["NEAREST_NEIGHBOR.TOPK=20 (200)"])
    assert (row["kind"], row["iterations"], row["losses"], row["checkpoint_out"]) == ("probe", 0, [], None)
    assert list(row["accuracies"]) == LAYERS
    assert all(100 / 12 < layer["top_1"] < 100 for layer in row["accuracies"].values())
    left = {file.suffix for file in (tmp_path / "probe").iterdir() if file.name != "lock"}
    assert left == {".jsonl", ".json", ".txt", ".yaml"}  # neither a checkpoint nor the cache's files
    report = monoimage("report", "probe").stdout
    assert "Nearest neighbours, top-1 test accuracy (%): photo_patches, protocol knn-v1 with changes" in report
    assert "random weights" in report
    assert "n=1 (seed 0), no interval" in report
    shown = f"{row['accuracies']['conv3']['top_1']:.1f}"
    assert shown in report


def test_few_shot_svms_have_a_table_for_each_number_of_shots(
    monoimage: Any, small_probe: list[str], tmp_path: Path
) -> None:
    draws, shots = "config.SVM.low_shot.sample_inds=[1,2]", "config.SVM.low_shot.k_values=[1,4]"
    monoimage("run", *small_probe, *SMALL, "+config/monoimage=low_shot", draws, shots)
    row = the_row(tmp_path / "probe")
    assert (row["protocol"], row["protocol_changes"]) == (
        "lowshot-v1",
        ["SVM.low_shot.sample_inds=[1, 2] ([1, 2, 3, 4, 5])"],
    )
    assert list(row["accuracies"]) == [f"{layer} k={k}" for layer in LAYERS for k in (1, 4)]
    right = [layer["top_1"] * 48 * 2 / 100 for layer in row["accuracies"].values()]  # of 48 images, twice
    assert right == pytest.approx([round(count) for count in right], abs=1e-3)
    assert any(round(count) % 2 for count in right)  # no draw is left out, and they differ
    tables = build_tables(join_probes(read([tmp_path / "probe"])))
    assert [table.title.partition(" with changes")[0] for table in tables] == [
        f"Low-shot SVMs, top-1 test accuracy (%): photo_patches, protocol lowshot-v1, k={k}" for k in (1, 4)
    ]
    for table, k in zip(tables, (1, 4), strict=True):
        (line,) = table.lines
        assert table.layers == tuple(LAYERS)
        assert (line.label, line.runs) == ("random weights", "n=1 (seed 0), no interval")
        means = [line.cells[layer].mean for layer in LAYERS]
        assert means == [row["accuracies"][f"{layer} k={k}"]["top_1"] for layer in LAYERS]
