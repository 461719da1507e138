"""A run folder takes up only the run that began in it, through every launcher."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
import torch
from PIL import Image

FINAL = "model_final_checkpoint_phase1.torch"
ROTNET = [
    "run",
    "config=pretrain/monoimage/rotnet_convnet4",
    "+config/monoimage=smoke",
    "config.DATA.TRAIN.DATA_PATHS=[first.png]",
    "config.CHECKPOINT.DIR=run",
]


def save_photo(path: Path, seed: int) -> None:
    """Write a photo of coarse noise, 240 x 200 px."""
    noise = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((240, 200)).save(path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two photos and a finished pretraining on the first of them."""
    place = tmp_path_factory.mktemp("finished")
    save_photo(place / "first.png", 1)
    save_photo(place / "second.png", 2)
    launcher.monoimage(*ROTNET, cwd=place)
    return place


@pytest.fixture
def interrupted(finished: Path, tmp_path: Path) -> Path:
    """A copy of it as a kill after the first epoch leaves it."""
    place = tmp_path / "copy"
    shutil.copytree(finished, place, symlinks=True)
    run = place / "run"
    (run / FINAL).unlink()
    (run / "ledger.jsonl").unlink()
    (run / "checkpoint.torch").unlink(missing_ok=True)
    assert (run / "model_phase0.torch").is_file()
    return place


def state_of(folder: Path) -> dict[str, bytes]:
    """Return the content of every file but logs and the lock."""
    return {
        file.name: file.read_bytes()
        for file in folder.iterdir()
        if file.is_file() and file.name not in ("lock", "log.txt", "stdout.log")
    }


REFUSED = {
    "config.DATA.TRAIN.DATA_PATHS=[second.png]": "config.DATA.TRAIN.DATA_PATHS[0]: was first.png (sha256 ",
    "config.SEED_VALUE=5": "config.SEED_VALUE: was 1, now 5",
    "config.MONOIMAGE.SOURCE.SEED=3": "config.MONOIMAGE.SOURCE.SEED: was 0, now 3",
    "config.MONOIMAGE.SOURCE.ROTATION=20": "config.MONOIMAGE.SOURCE.ROTATION: was null, now 20",
    "config.OPTIMIZER.num_epochs=3": "config.OPTIMIZER.num_epochs: was 2, now 3",
}


@pytest.mark.parametrize("override", REFUSED)
def test_an_interrupted_run_refuses_to_go_on_as_another_one(interrupted: Path, override: str) -> None:
    before = state_of(interrupted / "run")
    done = launcher.monoimage(*ROTNET, override, cwd=interrupted, status=2)
    assert "holds checkpoints of another run" in done.stderr
    assert REFUSED[override] in done.stderr
    assert "Traceback" not in done.stderr
    assert state_of(interrupted / "run") == before


def test_a_run_goes_on_with_other_workers_logging_and_place_of_its_photo(interrupted: Path) -> None:
    (interrupted / "first.png").rename(interrupted / "renamed.png")
    done = launcher.monoimage(
        *ROTNET,
        "config.DATA.TRAIN.DATA_PATHS=[renamed.png]",
        "config.DATA.NUM_DATALOADER_WORKERS=1",
        "config.LOG_FREQUENCY=1",
        "config.CHECKPOINT.CHECKPOINT_FREQUENCY=2",
        cwd=interrupted,
    )
    assert "resumed at step" in done.stdout
    assert (interrupted / "run" / FINAL).is_file()


def test_a_finished_folder_asked_for_something_else_is_an_error(finished: Path) -> None:
    before = state_of(finished / "run")
    again = launcher.monoimage(*ROTNET, cwd=finished)
    assert "holds this run, finished" in again.stderr
    other = launcher.monoimage(*ROTNET, "config.SEED_VALUE=5", cwd=finished, status=2)
    assert "config.SEED_VALUE: was 1, now 5" in other.stderr
    assert state_of(finished / "run") == before


def test_overwriting_begins_anew_and_claims_the_folder(interrupted: Path) -> None:
    """VISSL would resume from the last checkpoint that is not final, here one of the other run."""
    other = [*ROTNET, "config.SEED_VALUE=5"]
    done = launcher.monoimage(*other, "config.CHECKPOINT.OVERWRITE_EXISTING=true", cwd=interrupted)
    assert "resumed at step" not in done.stdout
    (row,) = [json.loads(line) for line in (interrupted / "run" / "ledger.jsonl").read_text().splitlines()]
    assert row["seed"] == 5
    assert row["losses"][0][0] == 1  # its first step is its own
    assert "holds this run, finished" in launcher.monoimage(*other, cwd=interrupted).stderr
    launcher.monoimage(*ROTNET, cwd=interrupted, status=2)


def test_checkpoints_of_a_version_without_claims_are_resumed_with_a_sentence(interrupted: Path) -> None:
    (interrupted / "run" / "run.json").unlink()
    done = launcher.monoimage(*ROTNET, cwd=interrupted)
    assert "checkpoints of an unknown origin" in done.stderr
    assert "resumed at step" in done.stdout


def test_a_folder_in_use_is_refused(interrupted: Path) -> None:
    before = state_of(interrupted / "run")
    with open(interrupted / "run" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = launcher.monoimage(*ROTNET, cwd=interrupted, status=2)
    assert "is in use by another run" in done.stderr
    assert done.stderr.count("\n") == 1
    assert state_of(interrupted / "run") == before


def test_vissls_own_launcher_refuses_as_well(interrupted: Path) -> None:
    code = (
        "import sys, runpy; from vissl_monoimage.compat import index; index.apply();"
        "sys.argv[0] = 'run_distributed_engines';"
        "runpy.run_module('tools.run_distributed_engines', run_name='__main__')"
    )
    command = [sys.executable, "-c", code, *ROTNET[1:], "config.SEED_VALUE=5"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=interrupted, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "config.SEED_VALUE: was 1, now 5" in done.stderr


def test_a_slurm_job_is_refused_when_it_is_submitted(interrupted: Path) -> None:
    slurm = [
        "config.SLURM.USE_SLURM=true",
        f"config.SLURM.LOG_FOLDER={interrupted}/slurm",
        "config.SLURM.PARTITION=any",
    ]
    done = launcher.monoimage(*ROTNET, *slurm, "config.SEED_VALUE=5", cwd=interrupted, status=2)
    assert "config.SEED_VALUE: was 1, now 5" in done.stderr
    assert not (interrupted / "slurm").exists()


def test_an_interrupted_probe_refuses_another_checkpoint_of_the_same_name(
    monoimage: Any, small_probe: list[str], tmp_path: Path
) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        save_trunk(tmp_path / name / "final.torch", seed)
    probe = ["run", *small_probe, "config.MODEL.TRUNK.NAME=convnet4", "config.MONOIMAGE.PATCHES.SIZE=32"]
    weights = "config.MODEL.WEIGHTS_INIT.PARAMS_FILE="
    monoimage(*probe, f"{weights}a/final.torch", "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=1")
    (final,) = (tmp_path / "probe").glob("model_final*")
    final.unlink()
    done = monoimage(*probe, f"{weights}b/final.torch", "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=1", status=2)
    assert f"{weights.removesuffix('=')}: was a/final.torch (sha256 " in done.stderr
    assert "now b/final.torch (sha256 " in done.stderr


def save_trunk(path: Path, seed: int) -> None:
    from vissl_monoimage.models.trunks.registry import build_trunk

    path.parent.mkdir()
    torch.manual_seed(seed)
    state = build_trunk("convnet4").state_dict()
    torch.save({"classy_state_dict": {"base_model": {"model": {"trunk": state, "heads": {}}}}}, path)


def test_init_and_run_refuse_each_others_folder(interrupted: Path) -> None:
    (interrupted / "run" / "checkpoint.torch").symlink_to("model_phase0.torch")
    done = launcher.monoimage("init", "kmeans", "first.png", "-o", "run", "--crops", "48", cwd=interrupted, status=2)
    assert "holds checkpoints of another run" in done.stderr
    launcher.monoimage("init", "kmeans", "first.png", "-o", "made", "--crops", "48", cwd=interrupted)
    done = launcher.monoimage(*ROTNET, "config.CHECKPOINT.DIR=made", cwd=interrupted, status=2)
    assert "holds checkpoints of another run" in done.stderr
