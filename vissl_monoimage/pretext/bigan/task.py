"""The task of BiGAN and MonoGAN: VISSL's training task with two optimizers in the place of one."""

from __future__ import annotations

from typing import Any

import torch
from classy_vision.tasks import register_task
from vissl.config import AttrDict

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.pretext.bigan.diagnostics import MonitorHook
from vissl_monoimage.pretext.bigan.image_grids import PicturesHook
from vissl_monoimage.pretext.bigan.optimizers import Players, discriminator_settings
from vissl_monoimage.pretext.bigan.validate import check_bigan
from vissl_monoimage.training.task import MonoImageTask


@register_task("bigan_task")
class BiGANTask(MonoImageTask):
    """Encoder and generator against a discriminator (Donahue et al., ICLR 2017); the trunk is the encoder.

    `config.MODEL.HEAD.PARAMS` is one `bigan` head, `config.LOSS.bigan_loss` says what is played for,
    `config.OPTIMIZER` moves encoder and generator, and its block `discriminator` holds what differs for the
    discriminator. VISSL's checkpoint has both optimizers.
    """

    def __init__(self, config: AttrDict) -> None:
        _write_normalisation(config)
        super().__init__(config)

    @classmethod
    def check(cls, config: Settings) -> list[str]:
        return check_bigan(config)

    def set_hooks(self, hooks: list[Any]) -> None:
        # Pictures before VISSL's checkpoint of the epoch: a run killed between the two draws them when it is resumed.
        super().set_hooks([PicturesHook(self.config), *hooks, MonitorHook()])

    def _build_optimizer(self) -> Players:
        optimizer = self.config["OPTIMIZER"]
        return Players(optimizer, discriminator_settings(optimizer))

    def _build_optimizer_schedulers(self) -> dict[str, Any]:
        return {}  # each player has its own

    def prepare_optimizer(self) -> None:
        self.optimizer.take(self.base_model, self.config["MODEL"])

    def init_distributed_data_parallel_model(self) -> None:
        """All ranks start from the first one's weights; without DDP, the players average gradients over them."""
        if torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1:
            for tensor in self.base_model.state_dict().values():
                torch.distributed.broadcast(tensor, src=0)
        self.distributed_model = self.base_model


def _write_normalisation(config: AttrDict) -> None:
    """Tell the generator how the encoder's images are normalised: what the training transforms say."""
    normalise = [item for item in config.DATA.TRAIN.TRANSFORMS if item["name"] == "Normalize"]
    name, settings = config.MODEL.HEAD.PARAMS[0]
    if normalise:
        settings = {**settings, "mean": list(normalise[-1]["mean"]), "std": list(normalise[-1]["std"])}
        config.MODEL.HEAD.PARAMS[0] = [name, settings]
