"""A BiGAN killed with SIGKILL and started again ends as an uninterrupted one: all networks, both optimizers, curves.

Two steps of the discriminator for one of encoder and generator, and the penalty in every second, so that a resumed
run must know where in the game it was: it is killed behind checkpoints after an odd number of steps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import launcher
import pytest
import torch

STEPS = 18  # two epochs of nine
MONOGAN = [
    "run",
    "config=pretrain/monoimage/monogan_cifar",
    "+config/monoimage=smoke",
    "config.MODEL.HEAD.PARAMS=[[bigan,"
    "{features:1024,latent:4,generator:{widths:[8,4]},discriminator:{widths:[4,8],norm:none,hidden:8}}]]",
    "config.LOSS.bigan_loss.objective=wasserstein",
    "config.LOSS.bigan_loss.penalty=10",
    "config.LOSS.bigan_loss.discriminator_steps=2",
    "config.LOSS.bigan_loss.penalty_every=2",
    "config.DATA.TRAIN.DATA_LIMIT=36",
    "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5",
]
FINAL = "model_final_checkpoint_phase1.torch"
# Steps behind each, in the order they are written.
CHECKPOINTS = {f"model_{name}.torch": step for name, step in [("iteration5", 5), ("phase0", 9), ("iteration10", 10)]}


def tensors(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of every tensor and number in nested mappings and lists."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from tensors(value, f"{path}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from tensors(value, f"{path}.{index}")
    else:
        yield path, node


def final(folder: Path) -> dict[str, Any]:
    """Return trunk, heads and both optimizers in the run's last checkpoint, by their paths in it."""
    state = torch.load(folder / FINAL, weights_only=False)["classy_state_dict"]
    model = state["base_model"]["model"]
    return dict(
        tensors({"trunk": dict(model["trunk"]), "heads": dict(model["heads"]), "optimizer": state["optimizer"]})
    )


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return the paths at which two checkpoints are not equal to the bit."""
    assert first.keys() == second.keys()
    same = {
        key: torch.equal(value, second[key]) if isinstance(value, torch.Tensor) else value == second[key]
        for key, value in first.items()
    }
    return [key for key, equal in same.items() if not equal]


def curves(folder: Path) -> dict[str, Any]:
    """Return the loss of every step from the results ledger, and every line of players.jsonl."""
    (row,) = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    players = [json.loads(line) for line in (folder / "players.jsonl").read_text().splitlines()]
    assert [step for step, _ in row["losses"]] == [line["step"] for line in players] == list(range(1, STEPS + 1))
    return {"losses": row["losses"], "players": players}


def means_on_test_set(folder: Path) -> dict[int, dict[str, Any]]:
    """Return {epoch: means over the test set}."""
    found = [json.loads(line) for line in (folder / "metrics.json").read_text().splitlines()]
    return {line["train_phase_idx"] + 1: line["test_bigan_meter"] for line in found if "test_bigan_meter" in line}


def start_and_kill(folder: Path, checkpoint: str, step: int) -> None:
    """Start the run and kill it when it has done `step` and would be resumed from `checkpoint`."""

    def reached() -> bool:
        newest = CHECKPOINTS.get((folder / "checkpoint.torch").resolve().name, 0)
        return newest >= CHECKPOINTS[checkpoint] and (folder / "players.jsonl").read_bytes().count(b"\n") >= step

    launcher.kill_when(reached, *MONOGAN, f"config.CHECKPOINT.DIR={folder}", cwd=folder.parent)


def run(folder: Path) -> str:
    """Run, or resume, to the end and return what is printed."""
    return launcher.monoimage(*MONOGAN, f"config.CHECKPOINT.DIR={folder}", cwd=folder.parent).stdout


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    run(folder)
    return folder


def test_both_optimizers_are_in_the_checkpoint(uninterrupted: Path) -> None:
    state = final(uninterrupted)
    for player, steps in (("encoder_generator", STEPS // 2), ("discriminator", STEPS)):
        kept = {key: value for key, value in state.items() if key.startswith(f".optimizer.{player}.optim.state.")}
        assert {int(value) for key, value in kept.items() if key.endswith(".step")} == {steps}
        averages = [value for key, value in kept.items() if key.endswith((".exp_avg", ".exp_avg_sq"))]
        assert len(averages) == 2 * len([key for key in kept if key.endswith(".step")])
        assert any(value.any() for value in averages)


# Two steps behind a checkpoint, which are done again; and where the epoch is over and the test is not.
@pytest.fixture(
    scope="module", params=[("model_iteration5.torch", 7), ("model_phase0.torch", 9)], ids=lambda when: when[0]
)
def resumed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run killed after that checkpoint, inside an epoch or at the end of one, and started again."""
    folder = tmp_path_factory.mktemp("killed") / "run"
    start_and_kill(folder, *request.param)
    assert not (folder / FINAL).exists()
    resumed = re.search(rf"resumed at step (\d+) of {STEPS}", run(folder))
    assert resumed
    assert int(resumed.group(1)) >= CHECKPOINTS[request.param[0]]
    return folder


def test_networks_and_optimizers_of_a_killed_run_equal_the_uninterrupted_ones(
    uninterrupted: Path, resumed: Path
) -> None:
    assert differences(final(uninterrupted), final(resumed)) == []


def test_curves_of_a_killed_run_equal_the_uninterrupted_ones(uninterrupted: Path, resumed: Path) -> None:
    assert curves(uninterrupted) == curves(resumed)


def test_pictures_of_a_killed_run_equal_the_uninterrupted_ones(uninterrupted: Path, resumed: Path) -> None:
    """This includes the pictures of an epoch whose checkpoint had just been written."""
    expected, found = (
        {path.name: path.read_bytes() for path in run.glob("pictures/*.png")} for run in (uninterrupted, resumed)
    )
    assert expected.keys() == {f"{kind}_{epoch:04d}.png" for kind in ("samples", "reconstructions") for epoch in (1, 2)}
    assert found == expected


def test_a_resumed_run_tests_on_the_whole_test_set(uninterrupted: Path, resumed: Path) -> None:
    assert means_on_test_set(uninterrupted).keys() == {1, 2}
    assert means_on_test_set(uninterrupted) == means_on_test_set(resumed)
