"""Our trunks by name, and VISSL's where VISSL is installed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from torch import nn

from vissl_monoimage.compat.missing_vissl import VisslMissingError, vissl_is_installed
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models.trunks.base import Trunk

# Module in this package and class of each of our trunks. A module is imported when one of its trunks is used.
OURS = {
    "alexnet_bigan": ("alexnet_bigan", "AlexNetBiGAN"),
    "alexnet_bigan_112px": ("alexnet_bigan", "AlexNetBiGAN112"),
    "alexnet_bigan_64px": ("alexnet_bigan", "AlexNetBiGAN64"),
    "alexnet_rotnet_64px": ("alexnet", "AlexNetRotNet64"),
    "alexnet_rotnet_32px": ("alexnet", "AlexNetRotNet32"),
    "alexnet_rotnet_he": ("alexnet", "AlexNetRotNetHe"),
    "alexnet_wide": ("alexnet", "AlexNetWide"),
    "alexnet_wide_64px": ("alexnet", "AlexNetWide64"),
    "alexnet_wide_32px": ("alexnet", "AlexNetWide32"),
    "convnet4": ("convnet4", "ConvNet4"),
    "convnet4_sobel": ("convnet4", "ConvNet4Sobel"),
    "hog": ("hog", "Hog"),
    "hog_32px": ("hog", "HogAt32"),
    "resnet18": ("resnet18", "ResNet18"),
    "resnet18_64px": ("resnet18", "ResNet18At64"),
    "resnet18_32px": ("resnet18", "ResNet18At32"),
    "scattering": ("scattering", "Scattering"),
    "scattering_32px": ("scattering", "ScatteringAt32"),
    "scattering_64px": ("scattering", "ScatteringAt64"),
    "sparse_coding": ("sparse_coding", "SparseCodingTrunk"),
}

# Trunks of VISSL 0.1.6, named here so that they are not called unknown where it is not installed.
VISSLS = (
    "alexnet_bvlc",
    "alexnet_colorization",
    "alexnet_deepcluster",
    "alexnet_jigsaw",
    "alexnet_rotnet",
    "convit",
    "efficientnet",
    "regnet",
    "regnet_fsdp",
    "regnet_v2",
    "resnet",
    "vision_transformer",
    "xcit",
)


def trunk_class(name: str) -> type[Trunk]:
    """Return the class of `name`, one of `OURS`."""
    module, class_name = OURS[name]
    trunk: type[Trunk] = getattr(importlib.import_module(f"{__package__}.{module}"), class_name)
    return trunk


def build_trunk(name: str, model_config: Mapping[str, Any] | None = None) -> nn.Module:
    """Build a trunk with initial weights.

    Args:
        name: one of `trunk_names()`.
        model_config: `config.MODEL`, with the settings of trunks that have some; None means VISSL's defaults.

    Raises:
        MonoImageError: an unknown name, or a setting that the trunk cannot follow.
        VisslMissingError: the trunk is VISSL's, which is not installed.
    """
    if name in OURS:
        return trunk_class(name).from_config(model_config or {})
    if name in VISSLS and not vissl_is_installed():
        raise VisslMissingError(f"trunk '{name}' is VISSL's, which is not installed: run `monoimage setup`")
    if name not in trunk_names():
        raise MonoImageError(unknown("trunk", name, trunk_names()))
    trunk: nn.Module = _vissl_side().build(name, model_config)
    return trunk


def trunk_names() -> list[str]:
    """Return the names of all trunks: ours and VISSL's, and others registered with VISSL where it is installed."""
    return sorted({*OURS, *(_vissl_side().names() if vissl_is_installed() else VISSLS)})


def fixed_features(name: str) -> str | None:
    """Return what a report calls the features of trunk `name`, which needs no training; None for all other trunks."""
    return getattr(trunk_class(name), "fixed", None) if name in OURS else None


def _vissl_side() -> Any:
    """Return the module `trunks_vissl`; this module must not depend on it, for it imports VISSL."""
    return importlib.import_module(f"{__package__}.trunks_vissl")
