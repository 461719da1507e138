"""The README's picture shows accuracies of the committed ledger and is small enough for a page."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
PICTURE = ROOT / "docs" / "images" / "overview.png"
SOURCES = {  # method in the picture: (kind of training, what it was trained on) in the ledger
    "supervised on cifar10": ("supervised", None),
    "rotnet on cifar10": ("rotnet", None),
    "rotnet on ameyoko.jpg (1 image)": ("rotnet", "ameyoko.jpg"),
}


def measured(method: str, layer: str) -> float:
    """Return the mean over seeds of the top-1 accuracy in the ledger, read without our own reader."""
    rows = [json.loads(line) for line in (ROOT / "benchmarks/results/table3-cifar.jsonl").read_text().splitlines()]
    probes = [row for row in rows if row["kind"] == "probe" and row["dataset"] == "cifar10"]
    if method == "random weights":
        chosen = [row for row in probes if started_from(row) is None]
    else:
        word, photo = SOURCES[method]
        trained = {
            row["checkpoint_out_sha256"]
            for row in rows
            if row["kind"] == "pretrain"
            and re.search(rf"/{word}_", row["name"])
            and [image["name"] for image in row["images"]] == ([photo] if photo else [])
        }
        chosen = [row for row in probes if started_from(row) in trained]
    assert len(chosen) == 3
    return statistics.mean(row["accuracies"][layer]["top_1"] for row in chosen)


def started_from(row: dict[str, Any]) -> str | None:
    """Return the sha256 of the weights that a run started from, in a row of either version."""
    return row["weights"]["sha256"] if "weights" in row else row["checkpoint_in_sha256"]


def test_the_plotted_accuracies_are_those_of_the_ledger() -> None:
    plotted = json.loads(Image.open(PICTURE).text["accuracies"])
    assert set(plotted) == {*SOURCES, "random weights"}
    for method, cells in plotted.items():
        expected = [measured(method, f"conv{number}") for number in (1, 2, 3, 4)]
        assert [mean for mean, _ in cells] == pytest.approx(expected, abs=1e-4)


def test_the_picture_is_small() -> None:
    assert PICTURE.stat().st_size < 300_000
