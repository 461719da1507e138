"""A small benchmark, the inputs of its runs, and the rows that they would leave."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.run import Run

Left = Callable[..., Row]


CONVNET4 = {"pretrain": "pretrain/monoimage/rotnet_convnet4", "trunk": "convnet4"}
GRID: dict[str, Any] = {
    "title": "a grid",
    "probes": {
        "cifar10": {"config": "benchmark/monoimage/linear_cifar10", "data": "cifar10", "minutes": 2},
        "patches": {"config": "benchmark/monoimage/linear_photo_patches", "minutes": 1},
    },
    "cells": {
        "random": {},
        "mono": {**CONVNET4, "source": "photo", "minutes": 5, "overrides": ["config.LOG_FREQUENCY=1"]},
        "again": {**CONVNET4, "source": "photo", "minutes": 5, "overrides": ["config.LOG_FREQUENCY=1"]},
        "other": {**CONVNET4, "source": "photo", "minutes": 5, "overrides": ["config.LOG_FREQUENCY=2"]},
        "full": {**CONVNET4, "source": "cifar10", "minutes": 5},
    },
    "profiles": {"laptop": {"seeds": [0, 1]}, "paper": {"seeds": [0], "overrides": ["config.LOG_FREQUENCY=3"]}},
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def written(**changes: Any) -> str:
        file = tmp_path / "mine.yaml"
        file.write_text(yaml.safe_dump({**GRID, **changes}))
        return str(file)

    return written


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    for split in ("train", "test"):
        (tmp_path / "c10" / split).mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "me.png")
    return Inputs(str(tmp_path / "me.png"), {"cifar10": tmp_path / "c10"}, tmp_path / "out")


def images(run: Run) -> list[dict[str, Any]]:
    """The photo that a run's row names."""
    if not run.photo_sha256 and run.verb[0] != "init":
        return []
    name = Path(run.verb[2]).name if run.verb[0] == "init" else "me.png"
    return [{"name": name, "path": name, "sha256": run.photo_sha256}]


@pytest.fixture
def left_by(a_row: Callable[..., Row]) -> Left:
    """The row that a run would leave."""

    def row(run: Run, kind: str, checkpoint_in: str | None = None, checkpoint_out: str | None = None) -> Row:
        return a_row(
            run_id=run.folder.name,
            kind=kind,
            command=shlex.join(
                ["monoimage", *run.verb, *run.overrides, *run.extra, f"config.CHECKPOINT.DIR={run.folder}"]
            ),
            overrides=[*run.overrides, *run.extra, f"config.CHECKPOINT.DIR={run.folder}"],
            name="init " + run.verb[1] if run.verb[0] == "init" else "x",
            method=run.verb[1] if run.verb[0] == "init" else "rotnet" if kind == "pretrain" else "random",
            weights=Weights(checkpoint_in, checkpoint_in),
            checkpoint_out=str(run.folder / "model.torch"),
            images=images(run),
            checkpoint_out_sha256=checkpoint_out,
        )

    return row
