"""What is refused of a training that diverges, and what its sentence says of the checkpoint."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vissl_monoimage.compat.mends.diverged import refuse_diverged
from vissl_monoimage.errors import MonoImageError


def task(model: nn.Module, train: bool = True) -> Any:
    return SimpleNamespace(base_model=model, train=train, iteration=7, train_phase_idx=2)


def model() -> nn.Module:
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    network.register_buffer("mask", torch.full((3, 3), -torch.inf))
    return network


def test_infinite_masks_are_no_divergence() -> None:
    refuse_diverged(task(model()))
    refuse_diverged(task(nn.Flatten()))  # without weights


@pytest.mark.parametrize("name", ["0.weight", "1.running_mean", "1.running_var"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_one_weight_or_statistic_that_is_not_finite_is_refused(name: str, value: float) -> None:
    network = model()
    network.state_dict()[name].view(-1)[1] = value
    with pytest.raises(MonoImageError, match=r"^after step 7: .* these weights are not saved"):
        refuse_diverged(task(network))


def test_a_test_comes_after_the_checkpoint_of_its_epoch() -> None:
    network = model()
    network.state_dict()["0.bias"][0] = torch.nan
    with pytest.raises(MonoImageError, match=r"^test after epoch 3: .*; a checkpoint .* was saved before the test"):
        refuse_diverged(task(network, train=False))
