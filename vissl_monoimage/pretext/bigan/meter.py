"""Means of what a BiGAN's steps measure, over a phase and all ranks, for VISSL's logs and metrics.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from classy_vision.generic.distributed_util import all_reduce_sum
from classy_vision.meters import ClassyMeter, register_meter

NAMES = (
    "discriminator_loss",
    "encoder_generator_loss",
    "discriminator_accuracy",
    "penalty",
    "latent_error",
    "reconstruction_error",
    "mismatch_error",
)


@register_meter("bigan_meter")
class BiGANMeter(ClassyMeter):
    """The mean of each of `NAMES` that was measured in the phase.

    Its value is {name: {0: mean}}: VISSL's writers expect the inner dict.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> BiGANMeter:
        return cls()

    @property
    def name(self) -> str:
        return "bigan_meter"

    @property
    def value(self) -> dict[str, dict[int, float]]:
        return {
            name: {0: float(total / count)}
            for name, (total, count) in zip(NAMES, self._sums.tolist(), strict=True)
            if count
        }

    def reset(self) -> None:
        self._sums = torch.zeros(len(NAMES), 2, dtype=torch.float64)

    def update(self, model_output: Mapping[str, float], target: torch.Tensor, **kwargs: Any) -> None:
        """Add what a step measured; `target` (N,) gives the number of samples, which weights it."""
        for row, name in enumerate(NAMES):
            if name in model_output:
                self._sums[row] += torch.tensor([model_output[name], 1.0]) * len(target)

    def sync_state(self) -> None:
        """Sum over all ranks, so that `value` is the mean over all of them."""
        self._sums = all_reduce_sum(self._sums)

    def get_classy_state(self) -> dict[str, Any]:
        return {"sums": self._sums.clone()}

    def set_classy_state(self, state: Mapping[str, Any]) -> None:
        self._sums = state["sums"].clone()
