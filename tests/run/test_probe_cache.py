"""A probe with cached features against the same probe without, through the launcher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import launcher
import pytest
import torch

CACHED = "config.MONOIMAGE.CACHE_FEATURES=true"
# 200 training samples are 6 batches of 32 and one of 8; 75 test samples do not divide by two processes.
PROBE = [
    "run",
    "config=benchmark/monoimage/linear_photo_patches",
    "config.MODEL.TRUNK.NAME=convnet4",
    "config.MONOIMAGE.PATCHES.SIZE=32",
    "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=200",
    "config.MONOIMAGE.PATCHES.TEST_SAMPLES=75",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=32",
    "config.OPTIMIZER.num_epochs=2",
    "config.OPTIMIZER.param_schedulers.lr.milestones=[1]",
    "config.TEST_EVERY_NUM_EPOCH=1",
    "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=3",  # seven steps an epoch: inside of one
]
TWO = ["config.DISTRIBUTED.NUM_PROC_PER_NODE=2", "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=16"]


def arguments(folder: Path, *overrides: str) -> list[str]:
    return [*PROBE, f"config.CHECKPOINT.DIR={folder}", *overrides]


def run(folder: Path, *overrides: str) -> Path:
    launcher.monoimage(*arguments(folder, *overrides), cwd=folder.parent)
    return folder


def row(folder: Path) -> dict[str, Any]:
    rows = (folder / "ledger.jsonl").read_text().splitlines()
    assert len(rows) == 1
    found: dict[str, Any] = json.loads(rows[0])
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    checkpoint = torch.load(folder / "model_final_checkpoint_phase1.torch", weights_only=False)
    model = checkpoint["classy_state_dict"]["base_model"]["model"]
    return {f"{part}.{key}": value for part in ("trunk", "heads") for key, value in model[part].items()}


def assert_same_run(found: Path, expected: Path) -> None:
    """Check accuracies, losses and all tensors of the checkpoint, up to the rounding of another batch size."""
    ours, theirs = row(found), row(expected)
    assert ours["accuracies"] == theirs["accuracies"]
    assert set(ours["accuracies"]) == {"conv1", "conv2", "conv3", "conv4"}
    assert [step for step, _ in ours["losses"]] == list(range(1, 15))
    assert [loss for _, loss in ours["losses"]] == pytest.approx([loss for _, loss in theirs["losses"]], rel=1e-4)
    for name in ("config_hash", "group_hash", "protocol_changes", "iterations", "method"):
        assert ours[name] == theirs[name], name
    tensors, others = weights(found), weights(expected)
    assert tensors.keys() == others.keys()
    for name in others:
        torch.testing.assert_close(tensors[name], others[name], rtol=1e-3, atol=1e-4, msg=lambda text, n=name: n + text)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("features*"))


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("without") / "run")


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("cached") / "run", CACHED)


def test_cached_features_change_no_number(without: Path, cached: Path) -> None:
    assert_same_run(cached, without)
    assert not leftovers(cached)


def test_two_processes_share_the_work(tmp_path: Path) -> None:
    expected = run(tmp_path / "without", *TWO)
    found = run(tmp_path / "cached", *TWO, CACHED)
    assert_same_run(found, expected)
    assert not leftovers(found)


@pytest.mark.parametrize("when", ["model_iteration3.torch", "model_phase0.torch"])
def test_a_killed_run_refills_the_cache_and_ends_the_same(
    cached: Path, tmp_path: Path, monoimage: Any, when: str
) -> None:
    folder = tmp_path / "run"
    launcher.kill_when((folder / when).exists, *arguments(folder, CACHED), cwd=tmp_path)
    assert not (folder / "model_final_checkpoint_phase1.torch").exists()
    assert not leftovers(folder)
    left = folder / "features_0.tmp"  # as if it had been killed between making the files and opening them
    left.mkdir()
    (left / "features").write_bytes(b"another run's")
    resumed = monoimage(*arguments(folder, CACHED))
    assert "resumed at step" in resumed.stdout
    assert row(folder)["losses"] == row(cached)["losses"]
    found, expected = weights(folder), weights(cached)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not leftovers(folder)


REFUSED = {
    "config.DATA.TRAIN.TRANSFORMS=[{name:Resize,size:32},{name:RandomHorizontalFlip},{name:ToTensor}]": (
        "config.DATA.TRAIN.TRANSFORMS has RandomHorizontalFlip"
    ),
    "config.DATA.TEST.TRANSFORMS=[{name:Resize,size:40},{name:TenCropToTensor,size:32}]": (
        "config.DATA.TEST.TRANSFORMS has TenCropToTensor"
    ),
    "config.MODEL.FEATURE_EVAL_SETTINGS.FREEZE_TRUNK_ONLY=false": "needs a trunk that never changes",
    "config.TRAINER.TASK_NAME=monoimage_task": "is for probes only",
    "config.DATA.TRAIN.DATA_LIMIT=1000000000000": "GB are free",
}


@pytest.mark.parametrize("override", REFUSED)
def test_what_cannot_be_cached_is_refused_in_one_sentence(monoimage: Any, tmp_path: Path, override: str) -> None:
    done = monoimage(*arguments(tmp_path / "run", CACHED, override), status=2)
    complaint = [line for line in done.stderr.splitlines() if "CACHE_FEATURES" in line]
    assert len(complaint) == 1
    assert REFUSED[override] in complaint[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_failed_run_leaves_no_files(tmp_path: Path, monoimage) -> None:
    folder = tmp_path / "run"
    rates = "config.OPTIMIZER.param_schedulers.lr.values=[1.0e+30,1.0e+30]"  # the loss is not finite for long
    done = monoimage(*arguments(folder, CACHED, rates), status=2)
    assert "is NaN or infinite" in done.stderr
    assert not leftovers(folder)
