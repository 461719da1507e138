"""Two processes of four images per step train exactly as one process of eight does.

Both players' gradients are averaged by hand over the ranks, so what is compared is weights, optimizers and losses
after 20 steps: the same numbers but for the order in which float32 sums are formed. Nothing there has batch
statistics, which are of four or of eight images; what is remembered of these is looked at by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import launcher
import pytest
import torch

SCRIPT = Path(__file__).with_name("bigan_two_processes.py")
STEPS = 20
# float32 keeps 6e-8 of a number. Sums over two halves differ by that much, Adam divides a gradient's error by the
# gradient's own size, and 20 steps add up: 2e-7 in a weight, 2e-6 of the largest number of an average were seen. A
# weight moves by up to 2e-2 in these steps.
WEIGHTS = 1e-5  # absolute
AVERAGES = 1e-4  # of the largest number of each tensor
LOSSES = 1e-5
OBJECTIVES = {"cross_entropy": 0, "wasserstein": 10}  # and the penalty's weight
Run = Callable[..., Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`trained(objective, processes, *overrides)`: the folder of 20 steps of eight images, made once."""
    made: dict[tuple[Any, ...], Path] = {}

    def folder(objective: str, processes: int, *overrides: str) -> Path:
        key = (objective, processes, *overrides)
        if key not in made:
            run = tmp_path_factory.mktemp(objective) / "run"
            launcher.script(
                SCRIPT,
                "config=pretrain/monoimage/monogan_cifar",
                "+config/monoimage=smoke",
                "config.MODEL.TRUNK.NAME=two_convolutions",
                "config.MONOIMAGE.SOURCE.SIZE=16",
                "config.MODEL.HEAD.PARAMS=[[bigan,{features:256,latent:4,"
                "generator:{widths:[8,8],norm:none},discriminator:{widths:[8,8],norm:none}}]]",
                f"config.LOSS.bigan_loss.objective={objective}",
                f"config.LOSS.bigan_loss.penalty={OBJECTIVES[objective]}",
                "config.LOSS.bigan_loss.penalty_every=2",
                "config.LOSS.bigan_loss.discriminator_steps=1",
                "config.MONOIMAGE.BF16=false",
                "config.OPTIMIZER.param_schedulers.lr.value=0.001",
                "config.OPTIMIZER.param_schedulers.lr_head.value=0.001",
                "config.DATA.TRAIN.DATA_LIMIT=80",
                f"config.DATA.TRAIN.BATCHSIZE_PER_REPLICA={8 // processes}",
                f"config.DATA.TEST.BATCHSIZE_PER_REPLICA={8 // processes}",
                f"config.DISTRIBUTED.NUM_PROC_PER_NODE={processes}",
                f"config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY={1 if processes == 1 else -1}",
                f"config.CHECKPOINT.DIR={run}",
                *overrides,
                cwd=run.parent,
            )
            made[key] = run
        return made[key]

    return folder


def state(folder: Path, checkpoint: str = "model_final_checkpoint_phase1.torch") -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(folder / checkpoint, weights_only=False)["classy_state_dict"]
    return loaded


def weights(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    model = state["base_model"]["model"]
    return {f"{part}.{key}": value for part in ("trunk", "heads") for key, value in model[part].items()}


def furthest(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> dict[str, float]:
    """Return the largest absolute difference in each tensor."""
    assert first.keys() == second.keys()
    return {key: float((value - second[key]).abs().max()) for key, value in first.items()}


def losses(folder: Path) -> dict[str, list[float]]:
    """Return the losses of every step and the means of the last test."""
    players = [json.loads(line) for line in (folder / "players.jsonl").read_text().splitlines()]
    assert len(players) == STEPS
    found = {name: [line[name] for line in players] for name in ("discriminator_loss", "encoder_generator_loss")}
    tests = [line for line in (folder / "metrics.json").read_text().splitlines() if "test_bigan_meter" in line]
    means = json.loads(tests[-1])["test_bigan_meter"]  # less what compares images of one batch
    names = ("discriminator_loss", "discriminator_accuracy", "encoder_generator_loss", "reconstruction_error")
    found["test"] = [means[name]["0"] for name in names]
    return found


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_train_the_weights_of_one(trained: Run, objective: str) -> None:
    one, two = trained(objective, 1), trained(objective, 2)
    apart = furthest(weights(state(one)), weights(state(two)))
    assert max(apart.values()) < WEIGHTS, apart
    moved = furthest(weights(state(one, "model_iteration1.torch")), weights(state(one)))
    if objective == "wasserstein":  # which adds the same to real and generated pairs
        assert moved.pop("heads.0.discriminator.score.bias") == 0
    assert min(moved.values()) > 10 * WEIGHTS, moved
    assert max(moved.values()) > 1000 * WEIGHTS, moved


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_have_the_optimizers_of_one(trained: Run, objective: str) -> None:
    """Averages of gradients and squares, which would be 2 and 4 times as large if ranks were summed, not averaged."""
    one, two = (state(trained(objective, processes))["optimizer"] for processes in (1, 2))
    assert one.keys() == two.keys() == {"encoder_generator", "discriminator"}
    for player in one:
        first, second = one[player]["optim"]["state"], two[player]["optim"]["state"]
        assert first.keys() == second.keys()
        for index in first:
            assert int(first[index]["step"]) == int(second[index]["step"]) == STEPS
            for average in ("exp_avg", "exp_avg_sq"):
                expected, found = first[index][average], second[index][average]
                scale = float(expected.abs().max())
                torch.testing.assert_close(found, expected, rtol=0, atol=AVERAGES * scale)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_have_the_loss_curves_of_one(trained: Run, objective: str) -> None:
    one, two = losses(trained(objective, 1)), losses(trained(objective, 2))
    for name in one:
        assert two[name] == pytest.approx(one[name], rel=LOSSES, abs=LOSSES), name


def test_another_seed_trains_other_weights(trained: Run) -> None:
    """The control of the tolerances above: another seed differs by more."""
    one, other = trained("cross_entropy", 1), trained("cross_entropy", 1, "config.SEED_VALUE=7")
    apart = furthest(weights(state(one)), weights(state(other)))
    assert min(apart.values()) > 10 * WEIGHTS, apart
    assert max(apart.values()) > 1000 * WEIGHTS, apart
    ours, theirs = losses(one), losses(other)
    for name in ours:
        assert max(abs(a - b) for a, b in zip(ours[name], theirs[name], strict=True)) > 1000 * LOSSES


# Norms, in networks that wait for their turn: discriminator_steps is larger than the run.
WAITING = (
    "config.LOSS.bigan_loss.discriminator_steps=1000",
    "config.MODEL.TRUNK.NAME=convnet4",
    "config.MONOIMAGE.SOURCE.SIZE=32",
    "config.MODEL.HEAD.PARAMS=[[bigan,{features:1024,latent:4,generator:{widths:[8,8]},discriminator:{widths:[8,8]}}]]",
    "config.DATA.TRAIN.DATA_LIMIT=24",
)


def test_all_ranks_have_the_statistics_of_the_checkpoint_of_networks_that_did_not_move(trained: Run) -> None:
    """As with DDP, which would send the first rank's to all; a test phase and a resumed run depend on it."""
    folder = trained("cross_entropy", 2, *WAITING)
    kept = weights(state(folder))
    first, second = (torch.load(folder / f"rank{rank}.torch", weights_only=True) for rank in range(2))
    names = [name for name in first if "running_" in name]
    assert {name.split(".")[0] for name in names} == {"trunk", "heads"}
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert [name for name in names if not torch.equal(first[name], kept[name])] == []


def test_the_statistics_are_of_the_images_of_all_ranks(trained: Run) -> None:
    """The means before the first norm of an encoder that has not moved: of eight images, or of four and four."""
    one, two = (weights(state(trained("cross_entropy", processes, *WAITING))) for processes in (1, 2))
    name = next(name for name in one if name.endswith("running_mean"))
    assert name.startswith("trunk.")
    torch.testing.assert_close(two[name], one[name], rtol=0, atol=WEIGHTS * float(one[name].abs().max()))
    weight = name.replace("running_mean", "weight")
    assert torch.equal(one[weight], two[weight])
