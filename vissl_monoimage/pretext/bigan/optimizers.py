"""Two optimizers that VISSL sees as one: each moves its player's weights and no others."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from classy_vision.optim import build_optimizer, build_optimizer_schedulers
from torch import nn
from vissl.config import AttrDict
from vissl.optimizers import get_optimizer_param_groups

from vissl_monoimage.models.heads.bigan import BiGANHead

ENCODER_GENERATOR, DISCRIMINATOR = "encoder_generator", "discriminator"
RATES = {
    DISCRIMINATOR: f"config.OPTIMIZER.{DISCRIMINATOR}.param_schedulers.lr",
    ENCODER_GENERATOR: "config.OPTIMIZER.param_schedulers.lr",
}
"""Where each player's learning rate is set, for what a person is told."""


def discriminator_settings(optimizer: Mapping[str, Any]) -> AttrDict:
    """`config.OPTIMIZER` with the keys of its block `discriminator` in place of its own."""
    own = {key: value for key, value in optimizer.items() if key != DISCRIMINATOR}
    merged = _merged(own, optimizer.get(DISCRIMINATOR) or {})
    # It is all head, and VISSL has already copied the first player's settings to the first player's head.
    merged["param_schedulers"]["lr_head"] = merged["param_schedulers"]["lr"]
    merged["head_optimizer_params"]["weight_decay"] = merged["weight_decay"]
    return AttrDict(merged)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else copy.deepcopy(value)
    return result


class Player:
    """One player: its networks, its optimizer and its schedules."""

    def __init__(self, settings: AttrDict) -> None:
        self.settings = settings
        self.schedulers = build_optimizer_schedulers(settings)
        self.optimizer = build_optimizer(settings)
        self.networks = nn.ModuleDict()

    def take(self, trunk: nn.Module | None, heads: nn.Module, model_config: AttrDict) -> None:
        """Own the weights of these networks, with VISSL's rules for weight decay, norms, biases and the head's rate."""
        self.networks = nn.ModuleDict({**({"trunk": trunk} if trunk else {}), "heads": heads})
        groups = get_optimizer_param_groups(self.networks, model_config, self.settings, self.schedulers)
        # VISSL knows no transposed convolutions and counts them to no head: behind the groups of trunk and head.
        for weight in (weight for group in groups[4:] for weight in group["params"]):
            decays = weight.ndim > 1 or self.settings["regularize_bias"]
            groups[2 if decays else 3]["params"].append(weight)
        self.optimizer.set_param_groups([group for group in groups[:4] if group["params"]])

    def minimise(self, loss: torch.Tensor, where: float) -> None:
        """Gradients of `loss` for this player's weights, averaged over all ranks, and a step along them."""
        self.optimizer.zero_grad()
        loss.backward()
        average_over_ranks(self._gradients())
        self.optimizer.step(where=where)

    def gradient_norm(self) -> float:
        """L2 norm of the gradients of the last step, over all of the player's weights."""
        gradients = self._gradients()
        return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0

    def _gradients(self) -> list[torch.Tensor]:
        return [weight.grad for weight in self.networks.parameters() if weight.grad is not None]


class Players:
    """The optimizer of a BiGAN as VISSL's trainer, hooks and checkpoints know one: state, schedules, rates."""

    def __init__(self, encoder_generator: AttrDict, discriminator: AttrDict) -> None:
        self.by_name = {ENCODER_GENERATOR: Player(encoder_generator), DISCRIMINATOR: Player(discriminator)}

    def take(self, model: Any, model_config: AttrDict) -> None:
        """Deal out a VISSL model whose head is `BiGANHead`."""
        head: BiGANHead = model.heads[0]
        first, second = self.by_name.values()
        first.take(model.trunk, nn.ModuleList([head.to_latent, head.generator]), model_config)
        second.take(None, nn.ModuleList([head.discriminator]), model_config)

    def __getitem__(self, name: str) -> Player:
        return self.by_name[name]

    @property
    def options_view(self) -> Any:
        """The encoder's rate, which VISSL logs: one number, or its TensorBoard hook fails."""
        return SimpleNamespace(lr=self.by_name[ENCODER_GENERATOR].optimizer.param_groups[0]["lr"])

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Both players' groups."""
        return [group for player in self.by_name.values() for group in player.optimizer.param_groups]

    def on_epoch(self, where: float) -> None:
        """Schedules that change once an epoch."""
        for player in self.by_name.values():
            player.optimizer.on_epoch(where)

    def get_classy_state(self) -> dict[str, Any]:
        """Both optimizers' states, for VISSL's checkpoint."""
        return {name: player.optimizer.get_classy_state() for name, player in self.by_name.items()}

    def set_classy_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_classy_state` gave."""
        for name, player in self.by_name.items():
            player.optimizer.set_classy_state(state[name])


def running_statistics(model: nn.Module) -> list[torch.Tensor]:
    """What the norms of `model` remember of the batches they have seen."""
    return [buffer for name, buffer in model.named_buffers() if name.rpartition(".")[2].startswith("running_")]


@torch.no_grad()
def average_over_ranks(tensors: list[torch.Tensor]) -> None:
    """Replace tensors by their means over all ranks, in place; alone, do nothing.

    By hand and not through DDP's reducer: the penalty's double backward goes through the same weights twice in
    one step, and each player's backward leaves the other's weights without a gradient.
    """
    if not tensors or not torch.distributed.is_initialized() or torch.distributed.get_world_size() == 1:
        return
    flat = torch.cat([tensor.flatten().float() for tensor in tensors])
    torch.distributed.all_reduce(flat)
    flat /= torch.distributed.get_world_size()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))
