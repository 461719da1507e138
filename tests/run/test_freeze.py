"""Networks trained on labels over frozen layers, and fine-tuned from a checkpoint, through the launcher."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

SMALL = [
    *(
        f"config.DATA.{split}.{setting}"
        for split in ("TRAIN", "TEST")
        for setting in (
            "DATA_SOURCES=[disk_folder]",
            "LABEL_SOURCES=[disk_folder]",
            "DATA_PATHS=[images]",
            "DATASET_NAMES=[stripes]",
        )
    ),
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=16",
]


@pytest.fixture
def images(tmp_path: Path) -> None:
    """Write 40 horizontally and 40 vertically striped images, which colour or brightness cannot separate."""
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
def test_the_upper_layers_learn_over_frozen_ones(monoimage, tmp_path: Path, trunk: str, layer: str) -> None:
    ops = f"config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP=[[{layer},[Identity,[]]]]"
    monoimage(
        "run",
        "config=benchmark/monoimage/freeze_cifar10",
        *SMALL,
        f"config.MODEL.TRUNK.NAME={trunk}",
        ops,
        "config.CHECKPOINT.DIR=frozen",
    )
    (row,) = [json.loads(line) for line in (tmp_path / "frozen" / "ledger.jsonl").read_text().splitlines()]
    assert row["protocol"] == "freeze-v1"
    assert list(row["accuracies"]) == [layer]
    assert row["accuracies"][layer]["top_1"] > 95
    assert "Layers trained on labels over frozen ones, top-1 test accuracy" in monoimage("report", ".").stdout


@pytest.mark.usefixtures("images")
def test_a_network_is_fine_tuned_from_a_checkpoint(monoimage, tmp_path: Path) -> None:
    monoimage("init", "kmeans", "china", "-o", "made", "--crops", "48")
    finetune = ["run", "config=benchmark/monoimage/finetune_cifar10", *SMALL, "config.CHECKPOINT.DIR=tuned"]
    weights = "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=made/checkpoint.torch"
    wrong = monoimage(*finetune, weights, "config.MODEL.TRUNK.NAME=alexnet_wide_32px", status=2)
    assert "tensors of trunk 'alexnet_wide_32px'" in wrong.stderr
    assert "unknown layer 'pool4'" in wrong.stderr
    assert not (tmp_path / "tuned").exists()

    lr = "config.OPTIMIZER.param_schedulers.lr"
    one_epoch = ["config.OPTIMIZER.num_epochs=1", f"{lr}.values=[0.001]", f"{lr}.milestones=[]"]
    monoimage(*finetune, weights, *one_epoch)
    (row,) = [json.loads(line) for line in (tmp_path / "tuned" / "ledger.jsonl").read_text().splitlines()]
    assert (row["kind"], row["protocol"]) == ("probe", "finetune-v1")
    assert row["protocol_changes"][0] == "global batch=16 (128)"
    before, after = (conv1_of(tmp_path / file) for file in ("made/checkpoint.torch", "tuned/checkpoint.torch"))
    moved = (after - before).norm() / before.norm()
    assert 0 < moved < 0.1  # from there on, and not from anywhere


def conv1_of(checkpoint: Path) -> torch.Tensor:
    saved = torch.load(checkpoint, weights_only=False)
    weight: torch.Tensor = saved["classy_state_dict"]["base_model"]["model"]["trunk"]["_feature_blocks.0.0.weight"]
    return weight
