"""A kill or a full disk while a checkpoint is written, and damaged checkpoints: the run goes on and ends the same."""

from __future__ import annotations

from pathlib import Path

import launcher
import pytest
import torch

ROTNET = [
    "run",
    "config=pretrain/monoimage/rotnet_convnet4",
    "+config/monoimage=smoke",
    "config.OPTIMIZER.num_epochs=3",
]
FINAL = "model_final_checkpoint_phase2.torch"
INSIDE_EPOCHS = "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=1"

# The first argument is the name of the checkpoint that is half written when the process is killed.
KILLED_WHILE_SAVING = """
import os, signal, sys, torch
from vissl_monoimage.cli.main import main

save = torch.save
def save_half(state, file):
    save(state, file)
    if state.get("train_phase_idx") == 2:  # no file of initial weights
        path = getattr(file, "name", file)
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
torch.save = save_half
main(sys.argv[1:])
"""
LIMITED = """
import resource, sys
from vissl_monoimage.cli.main import main

resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))  # bytes of a file: more than the initial weights have
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    launcher.monoimage(*ROTNET, "config.CHECKPOINT.DIR=run", cwd=folder)
    return folder / "run"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    model = torch.load(folder / FINAL, weights_only=False)["classy_state_dict"]["base_model"]["model"]
    return {f"{part}.{key}": value for part in ("trunk", "heads") for key, value in model[part].items()}


def same(folder: Path, undisturbed: Path) -> bool:
    """Whether two runs have equal weights and one row each, and the first left nothing half written."""
    found, expected = weights(folder), weights(undisturbed)
    left = [path.name for path in folder.iterdir() if "part" in path.name]
    rows = [len((run / "ledger.jsonl").read_text().splitlines()) for run in (folder, undisturbed)]
    equal = found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in expected)
    return equal and rows == [1, 1] and left == []


def test_a_run_killed_while_it_saves_its_final_checkpoint_is_resumed(
    tmp_path: Path, undisturbed: Path, monoimage
) -> None:
    command = [*ROTNET, "config.CHECKPOINT.DIR=run"]
    launcher.python(KILLED_WHILE_SAVING, *command, cwd=tmp_path, status=-9)
    assert "resumed at step 4 of 6" in monoimage(*command).stdout
    assert same(tmp_path / "run", undisturbed)


def test_a_disk_that_is_full_stops_a_run_with_one_sentence(tmp_path: Path, undisturbed: Path, monoimage) -> None:
    command = [*ROTNET, "config.CHECKPOINT.DIR=run"]
    done = launcher.python(LIMITED, *command, cwd=tmp_path, status=2)
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("monoimage: cannot write ")
    assert "model_phase0.torch: File too large" in sentence
    assert [path.name for path in (tmp_path / "run").iterdir() if path.stat().st_size > 2_900_000] == []
    monoimage(*command)
    assert same(tmp_path / "run", undisturbed)


def test_two_processes_and_a_full_disk(tmp_path: Path) -> None:
    command = [*ROTNET, "config.CHECKPOINT.DIR=run", "config.DISTRIBUTED.NUM_PROC_PER_NODE=2"]
    done = launcher.python(LIMITED, *command, cwd=tmp_path, status=2)
    assert "model_phase0.torch: File too large" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("damaged", "expected", "options"),
    [
        pytest.param(["model_phase1.torch"], "resumed at step 2 of 6", [], id="last", marks=pytest.mark.slow),
        pytest.param(["model_phase1.torch", "model_phase0.torch"], "epoch 1/3, ", [], id="all"),
        pytest.param([FINAL], "resumed at step 4 of 6", [], id="final", marks=pytest.mark.slow),
        pytest.param(["model_iteration5.torch"], "resumed at step 4 of 6", [INSIDE_EPOCHS], id="inside an epoch"),
    ],
)
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before_it(
    tmp_path: Path, undisturbed: Path, monoimage, damaged: list[str], expected: str, options: list[str]
) -> None:
    folder, command = tmp_path / "run", [*ROTNET, "config.CHECKPOINT.DIR=run", *options]
    monoimage(*command)
    (folder / "ledger.jsonl").unlink()
    if FINAL not in damaged:
        (folder / FINAL).unlink()
        for later in folder.glob("model_iteration6.torch"):
            later.unlink()
        newest = max(folder.glob("model_*.torch"), key=lambda path: path.stat().st_mtime)
        (folder / "checkpoint.torch").unlink()
        (folder / "checkpoint.torch").symlink_to(folder / newest.name)
    for name in damaged:
        path = folder / name
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"\0damaged\0")
    done = monoimage(*command)
    for name in damaged:
        assert f"{name} is damaged" in done.stderr
    assert expected in done.stdout
    assert same(folder, undisturbed)


def test_a_finished_run_is_left_alone_whatever_its_files(tmp_path: Path, undisturbed: Path, monoimage) -> None:
    folder, command = tmp_path / "run", [*ROTNET, "config.CHECKPOINT.DIR=run"]
    monoimage(*command)
    (folder / "model_phase1.torch").write_bytes(b"damaged")
    assert "holds this run, finished" in monoimage(*command).stderr
    assert same(folder, undisturbed)
