"""Our trunks as VISSL makes them, from `(model_config, model_name)`, and VISSL's own trunks for our registry."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from vissl.config import AttrDict
from vissl.data.collators.collator_helper import MultiDimensionalTensor
from vissl.models.trunks import MODEL_TRUNKS_REGISTRY, register_model_trunk
from vissl.models.trunks.resnext import BLOCK_CONFIG, ResNeXt

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.config.compose import vissl_defaults
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.trunks import registry
from vissl_monoimage.models.trunks.resnet18 import ResNet18


def names() -> list[str]:
    """Return the names of all trunks that are registered with VISSL."""
    return list(MODEL_TRUNKS_REGISTRY)


def build(name: str, model_config: Mapping[str, Any] | None) -> nn.Module:
    """Build a trunk by its name in VISSL's registry, with VISSL's defaults where `model_config` is None.

    Raises:
        MonoImageError: the trunk does not accept the configuration.
    """
    settings = AttrDict(copy.deepcopy(dict(model_config or vissl_defaults()["config"]["MODEL"])))
    settings.setdefault("_MODEL_INIT_SEED", 0)  # VISSL's launcher sets it when a run starts
    try:
        trunk: nn.Module = MODEL_TRUNKS_REGISTRY[name](settings, name)
    except (AssertionError, AttributeError, KeyError) as error:
        raise MonoImageError(f"trunk '{name}' does not accept config.MODEL: {error}") from error
    return trunk


class _VisslResNet(ResNet18):
    """What VISSL's configurations can ask of any ResNet: activation checkpointing, BGR, images of several sizes."""

    model_config: AttrDict
    use_checkpointing: bool
    num_checkpointing_splits: int

    def forward(self, images: Tensor | MultiDimensionalTensor, out_feat_keys: Sequence[str] | None = None) -> Any:
        """Return features as `ResNet18` does, or by VISSL's own forward pass where one of its options is on."""
        several_sizes = isinstance(images, MultiDimensionalTensor)
        if not (several_sizes or self.use_checkpointing or self.model_config.INPUT_TYPE != "rgb"):
            return super().forward(images, out_feat_keys)
        return ResNeXt.forward(self, images if several_sizes else self.checked(images), out_feat_keys or [])


@register_check
def check_depth(config: Settings) -> Iterator[str]:
    """Refuse a depth that VISSL's ResNet does not have, for which it has a traceback."""
    trunk = config["MODEL"]["TRUNK"]
    depth = trunk["RESNETS"]["DEPTH"]
    if trunk["NAME"] == "resnet" and depth not in BLOCK_CONFIG:
        ours = ", or take ours: config.MODEL.TRUNK.NAME=resnet18" if str(depth) == "18" else ""
        depths = ", ".join(map(str, BLOCK_CONFIG))
        yield f"config.MODEL.TRUNK.RESNETS.DEPTH={depth}: VISSL's resnet has {depths}{ours}"


def _register(name: str) -> None:
    def build_ours(model_config: AttrDict, model_name: str) -> nn.Module:
        plain = registry.trunk_class(name)
        if not issubclass(plain, ResNet18):
            return plain.from_config(model_config)
        with_options: Any = type(plain.__name__, (_VisslResNet, plain), {})
        trunk: Any = with_options.from_config(model_config)
        checkpointing = model_config.ACTIVATION_CHECKPOINTING
        trunk.model_config = model_config
        trunk.use_checkpointing = checkpointing.USE_ACTIVATION_CHECKPOINTING
        trunk.num_checkpointing_splits = checkpointing.NUM_ACTIVATION_CHECKPOINTING_SPLITS
        built: nn.Module = trunk
        return built

    build_ours.__name__ = registry.OURS[name][1]  # VISSL refuses two of one name
    register_model_trunk(name)(build_ours)


for _name in registry.OURS:
    _register(_name)
