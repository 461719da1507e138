"""The weights that a pretraining starts from, made again without training."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from vissl_monoimage.compat.missing_vissl import require_vissl
from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.features import input_size
from vissl_monoimage.models.normalisation import CIFAR10, IMAGENET, Normalisation
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.utils.random import preserved_generators

_NOT_OF_CROPS = {"NUM_SAMPLES", "TEST_SAMPLES", "SEED", "FRESH", "RENDERER"}  # how many are drawn, when and where


@dataclass(frozen=True)
class Pretraining:
    """A configuration, as far as initial weights and images depend on it.

    Attributes:
        model: what lies below `config.MODEL`.
        epochs: `config.OPTIMIZER.num_epochs`, which VISSL multiplies the seed by.
        recipe: `config.MONOIMAGE.SOURCE` without the number of crops and their seed.
        normalisation: of the training images; None where they are not normalised.
    """

    model: Mapping[str, Any]
    epochs: int
    recipe: Mapping[str, Any]
    normalisation: Normalisation | None

    @property
    def trunk(self) -> str:
        """The name of the trunk."""
        return str(self.model["TRUNK"]["NAME"])

    @property
    def draw(self) -> dict[str, Any]:
        """What the initial weights depend on beside the seed."""
        return {"TRUNK": dict(self.model["TRUNK"]), "EPOCHS": self.epochs}


def read_pretraining(words: str) -> Pretraining:
    """Compose a configuration from overrides in one string: `config=pretrain/... config.OPTIMIZER.num_epochs=5`.

    Raises:
        MonoImageError: as `compose_config`, or a string that is not words.
        VisslMissingError: VISSL is not installed.
    """
    require_vissl()
    from omegaconf import OmegaConf

    from vissl_monoimage.config.compose import compose_config

    try:
        overrides = shlex.split(words)
    except ValueError as error:
        raise MonoImageError(f"--like={words}: {error}") from None
    config: Any = OmegaConf.to_container(compose_config(overrides).config, resolve=True)
    transforms = config["DATA"]["TRAIN"]["TRANSFORMS"] or []
    statistics = next((item for item in transforms if item.get("name") == "Normalize"), None)
    source = monoimage_block(config).get("SOURCE") or {}
    return Pretraining(
        config["MODEL"],
        config["OPTIMIZER"]["num_epochs"],
        {key: value for key, value in source.items() if key not in _NOT_OF_CROPS},
        Normalisation(tuple(statistics["mean"]), tuple(statistics["std"])) if statistics else None,
    )


def initial_trunk(pretraining: Pretraining, seed: int) -> nn.Module:
    """Return a trunk with the weights that a pretraining with `config.SEED_VALUE=seed` has before its first step.

    VISSL seeds process `rank` with `(SEED_VALUE + rank) * num_epochs`, builds the trunk before anything else is drawn,
    and gives the weights of rank 0 to all processes.

    Raises:
        MonoImageError: an unknown trunk, or a setting that the trunk cannot follow.
    """
    import torch

    with preserved_generators():
        torch.manual_seed(seed * pretraining.epochs)
        return build_trunk(pretraining.trunk, pretraining.model)


def usual_normalisation(trunk: nn.Module) -> Normalisation:
    """Return the normalisation of images for a trunk where no configuration says it: ImageNet's above 32 px."""
    return CIFAR10 if input_size(trunk) <= 32 else IMAGENET
