"""Trainings whose weights become NaN or infinite: one sentence, none of those weights saved, and no traceback after."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

RATE = "config.OPTIMIZER.param_schedulers.lr"
SMOKE = "+config/monoimage=smoke"
ROTNET = ["config=pretrain/monoimage/rotnet_convnet4", SMOKE]
FOLDERS = [
    f"config.DATA.{split}.{key}=[{value}]"
    for split in ("TRAIN", "TEST")
    for key, value in (
        ("DATA_SOURCES", "disk_folder"),
        ("LABEL_SOURCES", "disk_folder"),
        ("DATA_PATHS", "images"),
        ("DATASET_NAMES", "colours"),
    )
]
AT_ONCE = [f"{RATE}.value=1e38", "config.OPTIMIZER.weight_decay=1e6"]
ONE_STEP_AN_EPOCH = "config.DATA.TRAIN.DATA_LIMIT=4"
# In the first step of each there is nothing to see yet; where an epoch has one step, nothing before its end.
DIVERGING = {
    "rotnet": [*ROTNET, f"{RATE}.value=1e30"],
    "rotnet, one step an epoch": [*ROTNET, *AT_ONCE, ONE_STEP_AN_EPOCH],
    "deepcluster": ["config=pretrain/monoimage/deepcluster_convnet4", SMOKE, f"{RATE}.value=1e30"],
    "monogan": ["config=pretrain/monoimage/monogan_cifar", SMOKE, f"{RATE}.value=1e38", ONE_STEP_AN_EPOCH],
    "supervised": ["config=pretrain/monoimage/supervised_convnet4", SMOKE, *FOLDERS, f"{RATE}.value=1e30"],
    "probe": ["config=benchmark/monoimage/linear_cifar10", "config.MODEL.TRUNK.NAME=convnet4", *FOLDERS],
    "finetune": ["config=benchmark/monoimage/finetune_cifar10", "config.MODEL.TRUNK.NAME=convnet4", *FOLDERS],
}
OF_A_PROBE = ["config.OPTIMIZER.num_epochs=1", f"{RATE}.values=[1e38]", f"{RATE}.milestones=[]"]


@pytest.fixture
def images(tmp_path: Path) -> None:
    for number in range(16):
        folder = tmp_path / "images" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def sentence(errors: str) -> str:
    assert "Traceback" not in errors
    (line,) = [line for line in errors.splitlines() if line.startswith("monoimage: ")]
    assert re.match(r"monoimage: (after )?step \d+: .* (NaN|nan|inf)", line), line
    assert re.search("(?i)lower the .*learning rate", line)
    return line


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize("method", DIVERGING)
def test_a_run_that_diverges_in_its_first_epoch_saves_nothing(monoimage, tmp_path: Path, method: str) -> None:
    command = ["run", *DIVERGING[method], "config.CHECKPOINT.DIR=run"]
    if method in ("probe", "finetune"):
        command += [*OF_A_PROBE, "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=8"]
    sentence(monoimage(*command, status=2).stderr)
    assert not [path for path in (tmp_path / "run").iterdir() if path.suffix in (".torch", ".pth")]
    assert (tmp_path / "run" / "ledger.jsonl").read_text() == ""


def test_it_says_so_again_or_begins_again_with_another_rate(monoimage, tmp_path: Path) -> None:
    command = ["run", *ROTNET, "config.CHECKPOINT.DIR=run"]
    first, second = (sentence(monoimage(*command, f"{RATE}.value=1e30", status=2).stderr) for _ in range(2))
    assert first == second
    monoimage(*command)
    assert len((tmp_path / "run" / "ledger.jsonl").read_text().splitlines()) == 1


def test_the_last_good_checkpoint_stays_the_latest(monoimage, tmp_path: Path) -> None:
    schedule = [f"{RATE}.name=multistep", f"+{RATE}.values=[0.01,1e38]", f"+{RATE}.milestones=[1]"]
    command = ["run", *ROTNET, *schedule, "config.CHECKPOINT.DIR=run", "config.DATA.TRAIN.DATA_LIMIT=16"]
    sentence(monoimage(*command, "config.DISTRIBUTED.NUM_PROC_PER_NODE=2", status=2).stderr)
    assert os.path.basename(os.readlink(tmp_path / "run" / "checkpoint.torch")) == "model_phase0.torch"
    (saved,) = (tmp_path / "run").glob("model_*.torch")
    trunk = torch.load(saved, weights_only=False)["classy_state_dict"]["base_model"]["model"]["trunk"]
    assert all(tensor.isfinite().all() for tensor in trunk.values())
