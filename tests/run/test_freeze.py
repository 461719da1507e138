"""Layers trained on labels over frozen ones, through the launcher."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

SMALL = [
    "config=benchmark/monoimage/freeze_cifar10",
    *(
        f"config.DATA.{split}.{setting}"
        for split in ("TRAIN", "TEST")
        for setting in ("DATA_SOURCES=[disk_folder]", "LABEL_SOURCES=[disk_folder]", "DATA_PATHS=[images]")
    ),
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=16",
]


@pytest.fixture
def images(tmp_path: Path) -> None:
    """Stripes across and along, 40 each: no colour or brightness tells them apart."""
    for number in range(40):
        phase = np.indices((32, 32))[0] * (0.6 + number / 50)
        stripes = Image.fromarray((127 + 120 * np.sin(phase)).astype(np.uint8)).convert("RGB")
        for name, picture in (("across", stripes), ("along", stripes.rotate(90))):
            (tmp_path / "images" / name).mkdir(parents=True, exist_ok=True)
            picture.save(tmp_path / "images" / name / f"{number}.png")


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize(
    ("trunk", "layer"), [("convnet4", "pool2"), ("scattering_32px", "scattering_J2")], ids=["random", "scattering"]
)
def test_the_rest_learns_over_what_is_frozen(monoimage, tmp_path: Path, trunk: str, layer: str) -> None:
    ops = f"config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP=[[{layer},[Identity,[]]]]"
    monoimage("run", *SMALL, f"config.MODEL.TRUNK.NAME={trunk}", ops, "config.CHECKPOINT.DIR=frozen")
    (row,) = [json.loads(line) for line in (tmp_path / "frozen" / "ledger.jsonl").read_text().splitlines()]
    assert row["protocol"] == "freeze-v1"
    assert list(row["accuracies"]) == [layer]
    assert row["accuracies"][layer]["top_1"] > 95
    assert "Layers trained on labels over frozen ones, top-1 test accuracy" in monoimage("report", ".").stdout

    saved = torch.load(tmp_path / "frozen" / "model_final_checkpoint_phase9.torch", weights_only=False)
    model = saved["classy_state_dict"]["base_model"]["model"]
    assert "0.classifier.layers.0.weight" in model["heads"]
    learned = any("convolutions.2" in name for name in model["heads"])
    assert learned
