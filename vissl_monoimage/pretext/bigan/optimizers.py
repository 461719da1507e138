"""Two optimizers that VISSL sees as one: each updates its own player's weights."""

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
from vissl_monoimage.utils.distributed import world_size

ENCODER_GENERATOR, DISCRIMINATOR = "encoder_generator", "discriminator"
RATES = {
    DISCRIMINATOR: f"config.OPTIMIZER.{DISCRIMINATOR}.param_schedulers.lr",
    ENCODER_GENERATOR: "config.OPTIMIZER.param_schedulers.lr",
}
"""Keys of each player's learning rate, for messages."""


def discriminator_settings(optimizer: Mapping[str, Any]) -> AttrDict:
    """Return `config.OPTIMIZER` with the keys of its block `discriminator` in place of its own."""
    shared = {key: value for key, value in optimizer.items() if key != DISCRIMINATOR}
    merged = _merged(shared, optimizer.get(DISCRIMINATOR) or {})
    # The discriminator is all head, and VISSL has already copied the encoder's settings to the keys of the head.
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
    """One player: its networks, its optimizer and its schedules.

    Args:
        settings: its part of `config.OPTIMIZER`.
    """

    def __init__(self, settings: AttrDict) -> None:
        self.settings = settings
        self.schedulers = build_optimizer_schedulers(settings)
        self.optimizer = build_optimizer(settings)
        self.networks = nn.ModuleDict()

    def take(self, trunk: nn.Module | None, heads: nn.Module, model_config: AttrDict) -> None:
        """Take over the weights of these networks, with VISSL's rules for weight decay, norms, biases and head rates.

        Args:
            trunk: the encoder's trunk; None for the discriminator.
            heads: the player's other networks.
            model_config: `config.MODEL`.
        """
        self.networks = nn.ModuleDict({**({"trunk": trunk} if trunk else {}), "heads": heads})
        groups = get_optimizer_param_groups(self.networks, model_config, self.settings, self.schedulers)
        # VISSL does not recognise transposed convolutions: their weights are in groups behind those of trunk and head.
        for weight in (weight for group in groups[4:] for weight in group["params"]):
            decays = weight.ndim > 1 or self.settings["regularize_bias"]
            groups[2 if decays else 3]["params"].append(weight)
        self.optimizer.set_param_groups([group for group in groups[:4] if group["params"]])

    def minimise(self, loss: torch.Tensor, where: float) -> None:
        """Take a step down the gradient of `loss`, averaged over all ranks.

        Args:
            loss: a scalar.
            where: progress of the training from 0 to 1, for the schedules.
        """
        self.optimizer.zero_grad()
        loss.backward()
        average_over_ranks(self._gradients())
        self.optimizer.step(where=where)

    def gradient_norm(self) -> float:
        """Return the L2 norm of the last step's gradients over all of the player's weights."""
        gradients = self._gradients()
        return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0

    def _gradients(self) -> list[torch.Tensor]:
        return [weight.grad for weight in self.networks.parameters() if weight.grad is not None]


class Players:
    """A BiGAN's two optimizers behind the interface of one, as VISSL's trainer, hooks and checkpoints use it.

    Args:
        encoder_generator: `config.OPTIMIZER`.
        discriminator: what `discriminator_settings` gives.
    """

    def __init__(self, encoder_generator: AttrDict, discriminator: AttrDict) -> None:
        self.by_name = {ENCODER_GENERATOR: Player(encoder_generator), DISCRIMINATOR: Player(discriminator)}

    def take(self, model: Any, model_config: AttrDict, frozen_generator: bool = False) -> None:
        """Divide a VISSL model whose head is `BiGANHead` among the players.

        Args:
            model: with `trunk` and `heads`.
            model_config: `config.MODEL`.
            frozen_generator: whether the generator keeps its weights and belongs to no player.
        """
        head: BiGANHead = model.heads[0]
        first, second = self.by_name.values()
        learning = [head.to_latent] if frozen_generator else [head.to_latent, head.generator]
        head.generator.requires_grad_(not frozen_generator)
        first.take(model.trunk, nn.ModuleList(learning), model_config)
        second.take(None, nn.ModuleList([head.discriminator]), model_config)

    def __getitem__(self, name: str) -> Player:
        return self.by_name[name]

    @property
    def options_view(self) -> Any:
        """The encoder's learning rate, which VISSL logs: one number, or its TensorBoard hook fails."""
        return SimpleNamespace(lr=self.by_name[ENCODER_GENERATOR].optimizer.param_groups[0]["lr"])

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Both players' parameter groups."""
        return [group for player in self.by_name.values() for group in player.optimizer.param_groups]

    def on_epoch(self, where: float) -> None:
        """Advance the schedules that change once an epoch; `where` is the progress from 0 to 1."""
        for player in self.by_name.values():
            player.optimizer.on_epoch(where)

    def get_classy_state(self) -> dict[str, Any]:
        """Return both optimizers' states, for VISSL's checkpoint."""
        return {name: player.optimizer.get_classy_state() for name, player in self.by_name.items()}

    def set_classy_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_classy_state` returned."""
        for name, player in self.by_name.items():
            player.optimizer.set_classy_state(state[name])


def running_statistics(model: nn.Module) -> list[torch.Tensor]:
    """Return the running means and variances of the norms in `model`."""
    return [buffer for name, buffer in model.named_buffers() if name.rpartition(".")[2].startswith("running_")]


@torch.no_grad()
def average_over_ranks(tensors: list[torch.Tensor]) -> None:
    """Replace tensors by their means over all ranks, in place; a single process does nothing.

    Not through DDP's reducer: the penalty's double backward goes through the same weights twice in one step, and each
    player's backward leaves the other's weights without a gradient.
    """
    if not tensors or world_size() == 1:
        return
    flat = torch.cat([tensor.flatten().float() for tensor in tensors])
    torch.distributed.all_reduce(flat)
    flat /= world_size()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))
