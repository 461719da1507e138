"""DeepCluster through the launcher: labels reach the workers in time, survive a kill, and agree on two processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
import torch
from PIL import Image

EPOCHS, STEPS = 3, 9
CONVNET4 = [
    "config=pretrain/monoimage/deepcluster_convnet4",
    "+config/monoimage=smoke",
    "config.MODEL.HEAD.PARAMS=[[deepcluster,{dims:[1024,16]}]]",
    "config.MONOIMAGE.DEEPCLUSTER.PCA=8",
    "config.OPTIMIZER.param_schedulers.lr.value=0.05",
    f"config.OPTIMIZER.num_epochs={EPOCHS}",
    "config.DATA.TRAIN.DATA_LIMIT=36",
    "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5",
]
FINAL = f"model_final_checkpoint_phase{EPOCHS - 1}.torch"
SCRIPT = Path(__file__).with_name("bigan_two_processes.py")  # knows a trunk without batch norm


def run(folder: Path, *overrides: str, script: Path | None = None) -> str:
    options = [*CONVNET4, *overrides, f"config.CHECKPOINT.DIR={folder}"]
    if script:
        done = launcher.script(script, *options, cwd=folder.parent)
    else:
        done = launcher.monoimage("run", *options, cwd=folder.parent)
    return done.stdout + done.stderr


def clusters(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of clusters.jsonl without their seconds."""
    lines = [json.loads(line) for line in (folder / "clusters.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if not key.startswith("seconds")} for line in lines]


def assignments(folder: Path, checkpoint: str = FINAL) -> torch.Tensor:
    state = torch.load(folder / checkpoint, weights_only=False)["classy_state_dict"]
    found: torch.Tensor = state["deepcluster"]["assignments"]
    return found


def only_row(folder: Path) -> dict[str, Any]:
    (row,) = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    return dict(row)


def losses(folder: Path) -> list[Any]:
    row = only_row(folder)
    assert [step for step, _ in row["losses"]] == list(range(1, EPOCHS * STEPS + 1))
    found: list[Any] = row["losses"]
    return found


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    said = run(folder)
    assert "clusters for epoch 3: clusters " in said
    return folder


def test_a_run_leaves_its_clusters_and_assignments(uninterrupted: Path) -> None:
    lines = clusters(uninterrupted)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert all(1 < line["clusters"] <= 4 for line in lines)
    assert ["nmi_previous" in line for line in lines] == [False, True, True]
    labels = np.load(uninterrupted / "clusters.npy")
    assert len(labels) == 50_000  # of the source, of which 36 are used
    assert sorted(labels[labels >= 0]) == sorted(assignments(uninterrupted).tolist())
    assert lines[-1]["largest_share"] == pytest.approx(np.bincount(labels[labels >= 0]).max() / 36)
    with Image.open(uninterrupted / "pictures" / "clusters_0003.png") as sheet:
        assert len(sheet.getcolors(1 << 20) or []) > 100


def test_labels_change_from_one_epoch_to_the_next(uninterrupted: Path) -> None:
    """The control of the tests below: if clusters never changed, late labels would go unnoticed."""
    assert not torch.equal(assignments(uninterrupted, "model_phase0.torch"), assignments(uninterrupted))


def test_labels_are_in_place_before_workers_start(uninterrupted: Path, tmp_path: Path) -> None:
    """Workers copy the data set: if labels came after that, epochs 2 and 3 would have other losses."""
    run(tmp_path / "run", "config.DATA.NUM_DATALOADER_WORKERS=2", "config.MULTI_PROCESSING_METHOD=fork")
    assert losses(tmp_path / "run") == losses(uninterrupted)
    assert clusters(tmp_path / "run") == clusters(uninterrupted)


def test_a_run_killed_within_an_epoch_resumes_with_the_same_labels(uninterrupted: Path, tmp_path: Path) -> None:
    """The run is killed in epoch 3, after the checkpoint of that epoch's step 2 (step 20 in all).

    The accuracy on the clusters, which goes into the row, is that of the whole epoch.
    """
    folder = tmp_path / "run"
    latest = folder / "checkpoint.torch"
    launcher.kill_when(
        lambda: latest.resolve().name == "model_iteration20.torch",
        *("run", *CONVNET4, f"config.CHECKPOINT.DIR={folder}"),
        cwd=tmp_path,
    )
    assert not (folder / FINAL).exists()
    said = run(folder)
    assert "resumed at step 2" in said
    assert "clusters for epoch 3" not in said  # they were in the checkpoint
    assert losses(folder) == losses(uninterrupted)
    assert clusters(folder) == clusters(uninterrupted)
    assert torch.equal(assignments(folder), assignments(uninterrupted))
    assert only_row(folder)["pretext"] == only_row(uninterrupted)["pretext"]
    assert only_row(folder)["pretext"]["top_1"] > 0


def test_two_processes_find_the_clusters_of_one(tmp_path: Path) -> None:
    """Without batch statistics and dropout, which differ, the networks after epoch 2 agree up to rounding."""
    common = [
        "config.MODEL.TRUNK.NAME=two_convolutions",
        "config.MODEL.HEAD.PARAMS=[[deepcluster,{dims:[256,16],dropout:0.0}]]",
        "config.MONOIMAGE.SOURCE.SIZE=16",
        "config.DATA.TRAIN.TRANSFORMS=[{name:ToTensor}]",
        "config.DATA.TEST.TRANSFORMS=[{name:ToTensor}]",
        "config.OPTIMIZER.num_epochs=2",
    ]
    run(tmp_path / "one", *common, script=SCRIPT)
    two = ["config.DISTRIBUTED.NUM_PROC_PER_NODE=2", "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=2"]
    run(tmp_path / "two", *common, *two, script=SCRIPT)
    one, other = (assignments(tmp_path / name, "model_final_checkpoint_phase1.torch") for name in ("one", "two"))
    assert torch.equal(one, other)
    first, second = ([line["clusters"] for line in clusters(tmp_path / name)] for name in ("one", "two"))
    assert first == second


def test_clusters_are_found_every_second_epoch(tmp_path: Path) -> None:
    run(tmp_path / "run", "config.MONOIMAGE.DEEPCLUSTER.EVERY=2", "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=-1")
    assert [line["epoch"] for line in clusters(tmp_path / "run")] == [1, 3]
