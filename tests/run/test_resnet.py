"""RotNet on ResNets through the launcher, and probes of the trained trunks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

STAGES = ["res2", "res3", "res4", "res5"]
SMALL = [
    "+config/monoimage=smoke",
    "config.MONOIMAGE.SOURCE.SIZE=96",
    "config.OPTIMIZER.num_epochs=1",
    "config.CHECKPOINT.DIR=rotnet",
]


def probed(folder: Path) -> tuple[str, dict[str, dict[str, float]]]:
    """Return (trunk, accuracies) of the probe's ledger row."""
    (row,) = [json.loads(line) for line in (folder / "probe" / "ledger.jsonl").read_text().splitlines()]
    return row["trunk"], row["accuracies"]


def test_resnet18_is_trained_and_probed_by_the_same_commands_as_other_trunks(
    monoimage, small_probe: list[str], tmp_path: Path
) -> None:
    monoimage("run", "config=pretrain/monoimage/rotnet_resnet18", *SMALL)
    monoimage(
        "run",
        *small_probe,
        "config.MODEL.TRUNK.NAME=resnet18_32px",
        "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=rotnet/checkpoint.torch",
    )
    trunk, accuracies = probed(tmp_path)
    assert trunk == "resnet18_32px"
    assert list(accuracies) == STAGES
    table = monoimage("report", ".", "-o", "report").stdout
    assert [word for line in table.splitlines() for word in line.split() if word in STAGES] == STAGES
    assert "rotnet on china (1 image)" in table


@pytest.mark.slow
def test_vissls_resnet50_is_trained_and_probed(monoimage, tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(4):
            noise = np.random.default_rng(number).integers(0, 256, (260, 260, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / "images" / label / f"{number}.png")
    monoimage("run", "config=pretrain/monoimage/rotnet_resnet50", *SMALL)
    monoimage(
        "run",
        "config=benchmark/monoimage/linear_imagenet1k",
        "+config/monoimage=smoke",
        "config.MODEL.TRUNK.NAME=resnet",
        "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=rotnet/checkpoint.torch",
        "config.MODEL.HEAD.PARAMS=[[linear_probe,{num_classes:2}]]",
        "config.METERS.accuracy_list_meter.topk_values=[1]",
        "config.DATA.TRAIN.DATA_PATHS=[images]",
        "config.DATA.TEST.DATA_PATHS=[images]",
        "config.OPTIMIZER.num_epochs=1",
        "config.CHECKPOINT.DIR=probe",
    )
    trunk, accuracies = probed(tmp_path)
    assert trunk == "resnet"
    assert list(accuracies) == STAGES
