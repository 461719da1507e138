"""The task of BiGAN and MonoGAN: VISSL's training task with two optimizers in the place of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from classy_vision.tasks import register_task
from vissl.config import AttrDict

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import nearest, sentences, unknown
from vissl_monoimage.models.heads.bigan import NAME as HEAD
from vissl_monoimage.models.heads.bigan import BiGANHead
from vissl_monoimage.pretext.bigan import loss
from vissl_monoimage.pretext.bigan.diagnostics import MonitorHook
from vissl_monoimage.pretext.bigan.image_grids import PicturesHook
from vissl_monoimage.pretext.bigan.optimizers import DISCRIMINATOR, Players, discriminator_settings
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
    def problems(cls, config: Mapping[str, Any]) -> list[str]:
        return sentences((_step, _head, _stakes, _discriminator, _precision), config)

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


def _step(config: Mapping[str, Any]) -> Iterator[str]:
    name = config["TRAINER"]["TRAIN_STEP_NAME"]
    if name != "bigan_train_step":
        yield f"bigan_task needs config.TRAINER.TRAIN_STEP_NAME=bigan_train_step, not {name}"


def _head(config: Mapping[str, Any]) -> Iterator[str]:
    params = config["MODEL"]["HEAD"]["PARAMS"]
    if len(params) != 1 or params[0][0] != HEAD:
        yield f"bigan_task needs one head, config.MODEL.HEAD.PARAMS=[[{HEAD},{{...}}]], not {params}"
        return
    with torch.device("meta"):
        BiGANHead(AttrDict(dict(config["MODEL"])), **params[0][1])


def _stakes(config: Mapping[str, Any]) -> Iterator[str]:
    if config["LOSS"]["name"] != loss.NAME:
        yield f"bigan_task needs config.LOSS.name={loss.NAME}, not {config['LOSS']['name']}"
        return
    read_block(loss.BiGANLossConfig, config["LOSS"].get(loss.NAME), loss.WHERE)


def _discriminator(config: Mapping[str, Any]) -> Iterator[str]:
    from classy_vision.optim import OPTIMIZER_REGISTRY

    optimizer, where = config["OPTIMIZER"], f"config.OPTIMIZER.{DISCRIMINATOR}"
    own = optimizer.get(DISCRIMINATOR) or {}
    if not isinstance(own, Mapping):
        yield f"{where}={own} must be a block of keys of config.OPTIMIZER"
        return
    yield from _slips(own, {key: value for key, value in optimizer.items() if key != DISCRIMINATOR}, where)
    if own.get("name", optimizer["name"]) not in OPTIMIZER_REGISTRY:
        yield unknown(f"optimizer ({where}.name)", own["name"], OPTIMIZER_REGISTRY)


def _slips(block: Mapping[str, Any], known: Mapping[str, Any], where: str) -> Iterator[str]:
    """Keys that are none of config.OPTIMIZER's and look like one; schedules have keys of their own as well."""
    for key, value in block.items():
        if key not in known:
            if close := nearest(key, known):
                yield f"unknown key '{where}.{key}': did you mean '{where}.{close}'?"
        elif isinstance(value, Mapping) and isinstance(known[key], Mapping):
            yield from _slips(value, known[key], f"{where}.{key}")


def _precision(config: Mapping[str, Any]) -> Iterator[str]:
    if config["MODEL"]["AMP_PARAMS"]["USE_AMP"]:
        yield (
            "bigan_task has no gradient scaler for two players: set config.MODEL.AMP_PARAMS.USE_AMP=false; "
            "config.MONOIMAGE.BF16=true is its mixed precision, on GPUs too"
        )
