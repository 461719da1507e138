"""The facts that the page lists of each run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, InitialWeights, Weights
from vissl_monoimage.report.formats.run_facts import run_facts

IMAGES = [{"name": f"{number}.jpg", "path": "x", "sha256": f"{number}" * 64} for number in range(5)]


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        (
            {"data": {"train": DataSplit("set", 50_000, 10, "ab" * 32)}},
            "train data",
            "set, 50,000 images, 10 classes, sha256 abababababab",
        ),
        (
            {"data": {"test": DataSplit("set", 1, 1, "cd" * 32, sampled=True)}},
            "test data",
            "set, 1 image, 1 class, sha256 cdcdcdcdcdcd of the ends of the files",
        ),
        ({"data": {"train": DataSplit("set")}}, "train data", "set, content unknown"),
        (
            {"data": {"train": DataSplit("crops", 100, None, "ab" * 32, drawn_from="cifar10")}},
            "train data",
            "crops, 100 images, drawn from cifar10, sha256 abababababab",
        ),
        ({"data": {}}, "train data", None),
        ({"images_seen": 2_000_000}, "images seen", "2,000,000"),
        ({"images_seen": None}, "images seen", None),
        ({"initial_weights": InitialWeights("random", "ef" * 32)}, "initial weights", "random, sha256 efefefefefef"),
        ({"initial_weights": InitialWeights("checkpoint")}, "initial weights", "checkpoint"),
        ({"weights": Weights("/x/m.torch", "f" * 64)}, "weights in", "/x/m.torch, sha256 ffffffffffff"),
        (
            {"weights": Weights("/x/m.torch", "f" * 64, "rotnet-imagenet-1k")},
            "weights in",
            "rotnet-imagenet-1k of VISSL's zoo, /x/m.torch, sha256 ffffffffffff",
        ),
        ({"git_sha": "1" * 40}, "commit", "1" * 40),
        ({"git_sha": "1" * 40 + "-dirty"}, "commit", "1" * 40 + " and uncommitted changes"),
        (
            {"images": IMAGES},
            "images",
            "0.jpg (sha256 000000000000), 1.jpg (sha256 111111111111), 2.jpg (sha256 222222222222) and 2 more",
        ),
        ({"shots": [1, 4]}, "labelled images per class", "1, 4"),
    ],
)
def test_a_fact_is_listed_in_words(a_row: Callable[..., Row], changes: dict[str, Any], name: str, value: str) -> None:
    assert dict(run_facts(a_row(**changes)).facts).get(name) == value
