"""Runs that are interrupted, terminated or killed: their exit status, their sentence, and no process left behind."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import launcher
import pytest
import torch

ROTNET = ["run", "config=pretrain/monoimage/rotnet_convnet4", "+config/monoimage=smoke", "config.CHECKPOINT.DIR=run"]
THREE_EPOCHS = ["config.OPTIMIZER.num_epochs=3", "config.DATA.TRAIN.DATA_LIMIT=48"]  # of 12 steps
ENDLESS = ["config.OPTIMIZER.num_epochs=10000"]
TWO_RANKS = ["config.DISTRIBUTED.NUM_PROC_PER_NODE=2"]
WORKER = ["config.DATA.NUM_DATALOADER_WORKERS=1", "config.MULTI_PROCESSING_METHOD=forkserver"]
FORKED_WORKER = ["config.DATA.NUM_DATALOADER_WORKERS=1", "config.MULTI_PROCESSING_METHOD=fork"]
FINAL = "model_final_checkpoint_phase2.torch"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., launcher.Running]]:
    """`start(*arguments)`: a `monoimage` command beside the test, which is killed with its children at the end."""
    commands: list[launcher.Running] = []

    def start(*arguments: str, spawns: bool = False) -> launcher.Running:
        commands.append(launcher.Running(*arguments, cwd=tmp_path, spawns=spawns))
        return commands[-1]

    yield start
    for command in commands:
        for process in command.processes():
            os.kill(process, signal.SIGKILL)
        command.end()


def children(run: launcher.Running) -> list[int]:
    return [process for process in run.processes() if process != run.pid]


def left(run: launcher.Running) -> list[int]:
    """Return the processes of a command that are left after two seconds, more on a machine that is busy."""
    deadline = time.monotonic() + 2 * max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    while (found := run.processes()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("undisturbed")
    launcher.monoimage(*ROTNET, *THREE_EPOCHS, cwd=folder)
    return weights(folder)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    model = torch.load(folder / "run" / FINAL, weights_only=False)["classy_state_dict"]["base_model"]["model"]
    return {f"{part}.{key}": value for part in ("trunk", "heads") for key, value in model[part].items()}


def last_step(losses: Path) -> int:
    """The last step in a run's file of losses, which has every other one."""
    lines = losses.read_text().splitlines() if losses.exists() else []
    return int(json.loads(lines[-2])[0]) if len(lines) > 1 else 0


def said(errors: str) -> str:
    """The one line of ours on standard error, where there must be no traceback."""
    assert "Traceback" not in errors
    (line,) = [line for line in errors.splitlines() if line.startswith("monoimage: ")]
    return line


@pytest.mark.parametrize(
    "options",
    [
        pytest.param([], id="one process"),
        pytest.param([*TWO_RANKS, *WORKER], id="two ranks and workers", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_ends_with_130_and_one_sentence(tmp_path: Path, start, options: list[str]) -> None:
    run = start(*ROTNET, *ENDLESS, *options)
    run.wait_until((tmp_path / "run/model_phase1.torch").exists)
    os.killpg(run.pid, signal.SIGINT)
    done = run.end()
    assert done.returncode == 130, done.stderr
    assert said(done.stderr) == "monoimage: stopped; the same command continues from the last checkpoint"
    assert left(run) == []


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_terminated_run_saves_the_step_it_is_at_and_ends_as_if_nothing_had_happened(
    tmp_path: Path, start, monoimage, undisturbed: dict[str, torch.Tensor], ranks: int
) -> None:
    options = [*ROTNET, *THREE_EPOCHS]
    if ranks == 2:  # each of which has a part of the optimizer's state
        options += [*TWO_RANKS, "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=2", "config.OPTIMIZER.use_zero=true"]
    run = start(*options)
    run.wait_until(lambda: last_step(tmp_path / "run/losses.jsonl") > 13)
    os.kill(run.pid, signal.SIGTERM)
    done = run.end()
    assert done.returncode == 143, done.stderr
    assert said(done.stderr) == "monoimage: terminated; the same command continues from the last checkpoint"
    (saved,) = (tmp_path / "run").glob("model_iteration*.torch")
    step = int(saved.stem.removeprefix("model_iteration"))
    assert 13 < step < 24
    assert f"resumed at step {step} of 36" in monoimage(*options).stdout
    assert len((tmp_path / "run" / "ledger.jsonl").read_text().splitlines()) == 1
    if ranks == 1:
        found = weights(tmp_path)
        assert all(torch.equal(found[key], value) for key, value in undisturbed.items())


def test_a_run_terminated_before_its_first_step_ends_at_once(tmp_path: Path, start) -> None:
    run = start(*ROTNET, *ENDLESS)
    run.wait_until((tmp_path / "run/log.txt").exists)
    os.kill(run.pid, signal.SIGTERM)
    done = run.end()
    assert done.returncode == 143, done.stderr
    assert said(done.stderr).startswith("monoimage: terminated")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(FORKED_WORKER, id="fork"),
        pytest.param([*TWO_RANKS, *WORKER], id="two ranks and forkserver", marks=pytest.mark.slow),
    ],
)
def test_children_end_with_a_killed_main_process(tmp_path: Path, start, options: list[str]) -> None:
    run = start(*ROTNET, *ENDLESS, *options, spawns=True)
    run.wait_until((tmp_path / "run/model_phase1.torch").exists)
    run.wait_until(lambda: children(run))
    os.kill(run.pid, signal.SIGKILL)
    run.end()
    assert left(run) == []


def test_workers_that_write_a_data_set_end_with_a_killed_main_process(tmp_path: Path, start) -> None:
    run = start("dataset", "write", "china", "crops", "--samples=1000000", "--size=32", "--workers=2")
    run.wait_until(lambda: any((tmp_path / "crops").rglob("patch_5*.jpg")))
    assert children(run)
    os.kill(run.pid, signal.SIGKILL)
    run.end()
    assert left(run) == []


def test_a_lost_rank_ends_the_run_with_one_sentence(tmp_path: Path, start) -> None:
    run = start(*ROTNET, *ENDLESS, *TWO_RANKS)
    run.wait_until((tmp_path / "run/model_phase1.torch").exists)
    _, last = children(run)
    os.kill(last, signal.SIGKILL)
    done = run.end()
    assert done.returncode == 2, done.stderr
    assert said(done.stderr).startswith("monoimage: a training process was killed by SIGKILL")
    assert left(run) == []
