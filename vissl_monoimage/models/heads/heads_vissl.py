"""Our heads as VISSL makes them, from `config.MODEL` and the settings beside a head's name in HEAD.PARAMS."""

from __future__ import annotations

from typing import Any

from torch import nn
from vissl.config import AttrDict
from vissl.models.heads import register_model_head

from vissl_monoimage.models.heads import bigan, deepcluster
from vissl_monoimage.models.heads.alexnet_fc import AlexNetFC
from vissl_monoimage.models.heads.bigan import BiGANHead
from vissl_monoimage.models.heads.conv_classifier import RetrainedConvolutions
from vissl_monoimage.models.heads.deepcluster import DeepClusterHead
from vissl_monoimage.models.heads.linear_probe import LinearProbe


def _register(name: str, head: type[nn.Module], batch_norm: bool = False) -> None:
    """Register `head` as `name`; with `batch_norm` it is given VISSL's settings of a head's batch norm."""

    def build(model_config: AttrDict, **settings: Any) -> nn.Module:
        if batch_norm:
            shared = model_config.HEAD
            settings |= {"eps": shared.BATCHNORM_EPS, "momentum": shared.BATCHNORM_MOMENTUM}
        return head(**settings)

    build.__name__ = head.__name__  # VISSL refuses two of one name
    register_model_head(name)(build)


_register("alexnet_fc", AlexNetFC, batch_norm=True)
_register(bigan.NAME, BiGANHead)
_register(deepcluster.NAME, DeepClusterHead)
_register("linear_probe", LinearProbe)
_register("retrained_convolutions", RetrainedConvolutions, batch_norm=True)
