"""The task of BiGAN and MonoGAN: our training task with two optimizers in place of one."""

from __future__ import annotations

from typing import Any

import torch
from classy_vision.tasks import register_task
from vissl.config import AttrDict

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.pretext.bigan.diagnostics import DiagnosticsHook
from vissl_monoimage.pretext.bigan.image_grids import ImageGridsHook
from vissl_monoimage.pretext.bigan.loss import NAME as LOSS
from vissl_monoimage.pretext.bigan.optimizers import Players, discriminator_settings
from vissl_monoimage.pretext.bigan.validate import check_bigan
from vissl_monoimage.training.task import MonoImageTask
from vissl_monoimage.utils.distributed import world_size


@register_task("bigan_task")
class BiGANTask(MonoImageTask):
    """Encoder and generator against a discriminator (Donahue et al., ICLR 2017); the trunk is the encoder.

    `config.MODEL.HEAD.PARAMS` is one `bigan` head, `config.LOSS.bigan_loss` the objective. `config.OPTIMIZER` is for
    encoder and generator, and its block `discriminator` holds what differs for the discriminator. VISSL's checkpoint
    has both optimizers.
    """

    def __init__(self, config: AttrDict) -> None:
        _write_normalisation(config)
        super().__init__(config)

    @classmethod
    def check(cls, config: Settings) -> list[str]:
        return check_bigan(config)

    def set_hooks(self, hooks: list[Any]) -> None:
        # Pictures before VISSL's checkpoint of the epoch: a run killed between the two makes them when it is resumed.
        super().set_hooks([ImageGridsHook(self.config), *hooks, DiagnosticsHook()])

    def _build_optimizer(self) -> Players:
        optimizer = self.config["OPTIMIZER"]
        return Players(optimizer, discriminator_settings(optimizer))

    def _build_optimizer_schedulers(self) -> dict[str, Any]:
        return {}  # each player has its own

    def prepare_optimizer(self) -> None:
        frozen = bool(self.config["LOSS"][LOSS].get("frozen_generator", False))  # VISSL builds the loss later
        self.optimizer.take(self.base_model, self.config["MODEL"], frozen_generator=frozen)

    def init_distributed_data_parallel_model(self) -> None:
        """Start all ranks from the first one's weights; the players average gradients themselves, without DDP."""
        if world_size() > 1:
            for tensor in self.base_model.state_dict().values():
                torch.distributed.broadcast(tensor, src=0)
        self.distributed_model = self.base_model


def _write_normalisation(config: AttrDict) -> None:
    """Write mean and standard deviation of the training transforms into the head: the generator draws such images."""
    normalise = [item for item in config.DATA.TRAIN.TRANSFORMS if item["name"] == "Normalize"]
    name, settings = config.MODEL.HEAD.PARAMS[0]
    if normalise:
        settings = {**settings, "mean": list(normalise[-1]["mean"]), "std": list(normalise[-1]["std"])}
        config.MODEL.HEAD.PARAMS[0] = [name, settings]
