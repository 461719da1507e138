"""What a BiGAN's configuration must have, checked before a run starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from vissl_monoimage.config.checks import Settings, run_checks
from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import nearest, unknown
from vissl_monoimage.models.heads.bigan import NAME as HEAD
from vissl_monoimage.models.heads.bigan import BiGANHead
from vissl_monoimage.pretext.bigan import loss
from vissl_monoimage.pretext.bigan.optimizers import DISCRIMINATOR


def check_bigan(config: Settings) -> list[str]:
    """Return a sentence for each mistake in the config of a run of `bigan_task`."""
    return run_checks((_train_step, _head, _loss, _discriminator, _precision), config)


def _train_step(config: Settings) -> Iterator[str]:
    name = config["TRAINER"]["TRAIN_STEP_NAME"]
    if name != "bigan_train_step":
        yield f"bigan_task needs config.TRAINER.TRAIN_STEP_NAME=bigan_train_step, not {name}"


def _head(config: Settings) -> Iterator[str]:
    params = config["MODEL"]["HEAD"]["PARAMS"]
    if len(params) != 1 or params[0][0] != HEAD:
        yield f"bigan_task needs one head, config.MODEL.HEAD.PARAMS=[[{HEAD},{{...}}]], not {params}"
        return
    with torch.device("meta"):
        BiGANHead(**params[0][1])


def _loss(config: Settings) -> Iterator[str]:
    if config["LOSS"]["name"] != loss.NAME:
        yield f"bigan_task needs config.LOSS.name={loss.NAME}, not {config['LOSS']['name']}"
        return
    read_block(loss.BiGANLossConfig, config["LOSS"].get(loss.NAME), loss.WHERE)


def _discriminator(config: Settings) -> Iterator[str]:
    from classy_vision.optim import OPTIMIZER_REGISTRY

    optimizer, where = config["OPTIMIZER"], f"config.OPTIMIZER.{DISCRIMINATOR}"
    own = optimizer.get(DISCRIMINATOR) or {}
    if not isinstance(own, Mapping):
        yield f"{where}={own} must be a block of keys of config.OPTIMIZER"
        return
    shared = {key: value for key, value in optimizer.items() if key != DISCRIMINATOR}
    yield from _mistyped_keys(own, shared, where)
    if own.get("name", optimizer["name"]) not in OPTIMIZER_REGISTRY:
        yield unknown(f"optimizer ({where}.name)", own["name"], OPTIMIZER_REGISTRY)


def _mistyped_keys(block: Mapping[str, Any], valid: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield keys that resemble one of config.OPTIMIZER's; schedules have keys of their own as well."""
    for key, value in block.items():
        if key not in valid:
            if close := nearest(key, valid):
                yield f"unknown key '{where}.{key}': did you mean '{where}.{close}'?"
        elif isinstance(value, Mapping) and isinstance(valid[key], Mapping):
            yield from _mistyped_keys(value, valid[key], f"{where}.{key}")


def _precision(config: Settings) -> Iterator[str]:
    if config["MODEL"]["AMP_PARAMS"]["USE_AMP"]:
        yield (
            "bigan_task has no gradient scaler for two players: set config.MODEL.AMP_PARAMS.USE_AMP=false; "
            "config.MONOIMAGE.BF16=true is its mixed precision, on GPUs too"
        )
