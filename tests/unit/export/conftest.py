"""A run folder with a checkpoint and a ledger, made in milliseconds."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, Weights
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256, save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk

PAGE = Path(__file__).parents[3] / "docs" / "your_code.md"
SEEDS = (0, 1, 2)
ACCURACIES = {"conv1": (60.0, 62.0, 61.0), "conv2": (58.0, 51.0, 56.0)}
PHOTO = CATALOG["china"]


@pytest.fixture
def china() -> dict[str, Any]:
    """A photo of the catalog as a ledger row has it."""
    return {"name": PHOTO.name, "path": PHOTO.path_in_package, "sha256": file_sha256(PHOTO.path)}


@pytest.fixture
def checkpoint(tmp_path: Path, a_row: Callable[..., Row], china: dict[str, Any]) -> Path:
    """The checkpoint of RotNet on china, seed 0, in its run folder; probes of three seeds and of random weights."""
    torch.manual_seed(0)
    file = tmp_path / "runs" / "rotnet_0" / "checkpoint.torch"
    file.parent.mkdir(parents=True)
    save_trunk(build_trunk("convnet4"), file)
    write_rows(tmp_path / "runs", file, a_row, [china])
    return file


def write_rows(runs: Path, file: Path, a_row: Callable[..., Row], images: list[dict[str, Any]]) -> None:
    """Write the ledgers of three pretrainings, of their probes and of a probe of random weights."""
    sha256, path = checkpoint_sha256(file), images[0]["path"]
    common: dict[str, Any] = {"trunk": "convnet4", "protocol": "cifar-v1", "dataset": "cifar10"}
    data = {split: DataSplit("cifar10", 10_000, 10, sha256=split) for split in ("train", "test")}
    for seed in SEEDS:
        weights = sha256 if seed == 0 else f"weights {seed}"
        pretrain = a_row(
            run_id=f"p{seed}",
            kind="pretrain",
            name="pretrain/monoimage/rotnet_convnet4",
            command=f"monoimage run 'config.DATA.TRAIN.DATA_PATHS=[{path}]' config.CHECKPOINT.DIR=/home/me/r",
            method="rotnet",
            protocol=None,
            dataset="single_image",
            data={"train": DataSplit("single_image", 100, sha256="crops")},
            trunk="convnet4",
            images=images,
            recipe={"name": "released", "size": 32, "seed": 0},
            seed=seed,
            checkpoint_out=str(file) if seed == 0 else f"rotnet_{seed}/checkpoint.torch",
            checkpoint_out_sha256=weights,
            accuracies={},
        )
        probe = a_row(
            **common,
            run_id=f"q{seed}",
            method="pretrained",
            data=data,
            weights=Weights(None, weights),
            accuracies={layer: {"top_1": values[seed]} for layer, values in ACCURACIES.items()},
        )
        folder = runs / f"rotnet_{seed}"
        shutil.rmtree(folder / "probe", ignore_errors=True)
        (folder / "probe").mkdir(parents=True)
        (folder / ledger.FILE_NAME).unlink(missing_ok=True)
        ledger.append(folder / ledger.FILE_NAME, pretrain)
        ledger.append(folder / "probe" / ledger.FILE_NAME, probe)
    (runs / "random").mkdir(exist_ok=True)
    random = a_row(**common, run_id="r", data=data, accuracies={"conv1": {"top_1": 50.0}, "conv2": {"top_1": 40.0}})
    ledger.append(runs / "random" / ledger.FILE_NAME, dataclasses.replace(random, seed=7))


def run_example(heading: str) -> dict[str, Any]:
    """Run the first Python block of docs/your_code.md below a heading, and return its variables."""
    section = PAGE.read_text().partition(f" {heading}\n")[2]
    block = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[0]
    variables: dict[str, Any] = {}
    exec(compile(block, PAGE.name, "exec"), variables)
    return variables
