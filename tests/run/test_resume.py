"""A run killed with SIGKILL and started again ends with exactly the weights and losses of an uninterrupted run."""

from __future__ import annotations

import json
from pathlib import Path

import launcher
import pytest
import torch

# Random crops and flips behind the source, dropout in the head, random rotations in the test phase.
ROTNET = [
    "run",
    "config=pretrain/monoimage/rotnet_convnet4",
    "+config/monoimage=smoke",
    "config.DATA.TRAIN.DATA_LIMIT=24",
    "config.MODEL.HEAD.PARAMS=[[alexnet_fc,{dims:[1024,16]}],[mlp,{dims:[16,16,4],use_dropout:true,use_relu:true}]]",
    "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=4",  # six steps an epoch: inside and, at step 12, at the end of one
]


def final(folder: Path) -> dict[str, torch.Tensor]:
    checkpoint = torch.load(folder / "model_final_checkpoint_phase1.torch", weights_only=False)
    model = checkpoint["classy_state_dict"]["base_model"]["model"]
    return {f"{part}.{key}": value for part in ("trunk", "heads") for key, value in model[part].items()}


def losses(folder: Path) -> list[list[float]]:
    """Return [step, loss] of every step from the results ledger."""
    rows = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    assert len(rows) == 1
    curve = rows[0]["losses"]
    assert len(curve) == 12
    return curve


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    launcher.monoimage(*ROTNET, f"config.CHECKPOINT.DIR={folder}", cwd=folder.parent)
    return folder


@pytest.mark.parametrize("when", ["model_iteration4.torch", "model_phase0.torch", "model_iteration8.torch"])
def test_killed_run_equals_the_uninterrupted_one(uninterrupted: Path, tmp_path: Path, monoimage, when: str) -> None:
    folder = tmp_path / "run"
    launcher.kill_when((folder / when).exists, *ROTNET, f"config.CHECKPOINT.DIR={folder}", cwd=tmp_path)
    assert not (folder / "model_final_checkpoint_phase1.torch").exists()
    resumed = monoimage(*ROTNET, f"config.CHECKPOINT.DIR={folder}")
    assert "resumed at step" in resumed.stdout
    assert losses(folder) == losses(uninterrupted)
    expected, found = final(uninterrupted), final(folder)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_loader_workers_change_nothing(uninterrupted: Path, tmp_path: Path, monoimage) -> None:
    folder = tmp_path / "run"
    monoimage(*ROTNET, f"config.CHECKPOINT.DIR={folder}", "config.DATA.NUM_DATALOADER_WORKERS=1")
    expected, found = final(uninterrupted), final(folder)
    assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_another_seed_is_another_run(uninterrupted: Path, tmp_path: Path, monoimage) -> None:
    folder = tmp_path / "run"
    monoimage(*ROTNET, f"config.CHECKPOINT.DIR={folder}", "config.SEED_VALUE=5")
    assert losses(folder) != losses(uninterrupted)
