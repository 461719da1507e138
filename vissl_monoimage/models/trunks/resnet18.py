"""ResNet-18 under the names of VISSL's ResNets, which begin at depth 50 (`resnet`)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet
from vissl.config import AttrDict
from vissl.models.model_helpers import Flatten, _get_norm
from vissl.models.trunks import register_model_trunk
from vissl.models.trunks.resnext import ResNeXt

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.trunks.base import SizedInput, laid_out

# Of config.MODEL.TRUNK.RESNETS, what a ResNet of basic blocks cannot have, and VISSL's defaults.
_FIXED = {"WIDTH_MULTIPLIER": 1, "GROUPS": 1, "WIDTH_PER_GROUP": 64, "LAYER4_STRIDE": 2}


@register_model_trunk("resnet18")
class ResNet18(ResNeXt):
    """torchvision's ResNet-18 (He et al., CVPR 2016) with VISSL's features and state-dict keys.

    | feature | 224 px | 64 px | 32 px |
    | --- | --- | --- | --- |
    | conv1 | 64 x 112 x 112 | 64 x 32 x 32 | 64 x 16 x 16 |
    | res1 (pooled), res2 | 64 x 56 x 56 | 64 x 16 x 16 | 64 x 8 x 8 |
    | res3 | 128 x 28 x 28 | 128 x 8 x 8 | 128 x 4 x 4 |
    | res4 | 256 x 14 x 14 | 256 x 4 x 4 | 256 x 2 x 2 |
    | res5 | 512 x 7 x 7 | 512 x 2 x 2 | 512 x 1 x 1 |
    | res5avg, flatten | 512 | 512 | 512 |
    | multiply-adds of the forward pass | 1.8 G | 148 M | 37 M |

    It takes images of any size; probes show it 224 px. `resnet18_64px` and `resnet18_32px` are the same network,
    their checkpoints exchangeable, for data sets of that size. RESNETS.DEPTH is not read. Heads get the last
    feature, flatten.
    """

    input_size: ClassVar[int] = 224

    def __init__(self, model_config: AttrDict, model_name: str) -> None:
        nn.Module.__init__(self)  # past ResNeXt's, which builds bottlenecks; its forward pass is what we take
        settings = model_config.TRUNK.RESNETS
        changed = [f"{key}={settings[key]} (only {value})" for key, value in _FIXED.items() if settings[key] != value]
        if changed:
            raise MonoImageError(f"trunk {model_name} does not have config.MODEL.TRUNK.RESNETS.{', '.join(changed)}")
        self.model_config = model_config
        checkpointing = model_config.ACTIVATION_CHECKPOINTING
        self.use_checkpointing = checkpointing.USE_ACTIVATION_CHECKPOINTING
        self.num_checkpointing_splits = checkpointing.NUM_ACTIVATION_CHECKPOINTING_SPLITS
        model = ResNet(
            BasicBlock,
            [2, 2, 2, 2],
            norm_layer=_get_norm(settings),
            zero_init_residual=settings.ZERO_INIT_RESIDUAL,
        )
        self._feature_blocks = nn.ModuleDict(
            {
                "conv1": model.conv1,
                "bn1": model.bn1,
                "conv1_relu": model.relu,
                "maxpool": model.maxpool,
                "layer1": model.layer1,
                "layer2": model.layer2,
                "layer3": model.layer3,
                "layer4": model.layer4,
                "avgpool": model.avgpool,
                "flatten": Flatten(1),
            }
        )
        self.feat_eval_mapping = {
            "conv1": "conv1_relu",
            "res1": "maxpool",
            "res2": "layer1",
            "res3": "layer2",
            "res4": "layer3",
            "res5": "layer4",
            "res5avg": "avgpool",
            "flatten": "flatten",
        }

    def forward(self, x: torch.Tensor, out_feat_keys: list[str] | None = None) -> list[torch.Tensor]:
        """The named features of images `x` (N, 3, height, width), in the order asked for; by default flatten."""
        return super().forward(laid_out(x) if isinstance(x, torch.Tensor) else x, out_feat_keys or [])


@register_model_trunk("resnet18_64px")
class ResNet18At64(SizedInput, ResNet18):
    """`resnet18` for 64-px images."""

    input_size = 64


@register_model_trunk("resnet18_32px")
class ResNet18At32(SizedInput, ResNet18):
    """`resnet18` for 32-px images."""

    input_size = 32
