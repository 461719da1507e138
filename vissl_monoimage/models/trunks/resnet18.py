"""ResNet-18 under the names of VISSL's ResNets, which begin at depth 50 (`resnet`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.trunks.base import channels_last
from vissl_monoimage.models.trunks.resnet import ResNetTrunk, norm_layer

# Of config.MODEL.TRUNK.RESNETS, the settings that a ResNet of basic blocks cannot follow, at VISSL's defaults.
_FIXED = {"WIDTH_MULTIPLIER": 1, "GROUPS": 1, "WIDTH_PER_GROUP": 64, "LAYER4_STRIDE": 2}


class ResNet18(ResNetTrunk):
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
    their checkpoints exchangeable, for data sets of that size. Heads get the last feature, flatten.

    Args:
        norm: makes the normalisation layer of so many channels.
        zero_init_residual: whether each residual branch starts as zero.
    """

    input_size: ClassVar[int] = 224
    any_size: bool = True

    def __init__(self, norm: Callable[[int], nn.Module] = nn.BatchNorm2d, zero_init_residual: bool = False) -> None:
        super().__init__(ResNet(BasicBlock, [2, 2, 2, 2], norm_layer=norm, zero_init_residual=zero_init_residual))

    @classmethod
    def from_config(cls, model_config: Mapping[str, Any]) -> Self:
        """Build the trunk by `config.MODEL.TRUNK.RESNETS`, of which DEPTH is not read; without that block by default.

        Raises:
            MonoImageError: a setting that ResNet-18 cannot follow.
        """
        settings = model_config.get("TRUNK", {}).get("RESNETS")
        if settings is None:
            return cls()
        changed = [f"{key}={settings[key]} (only {value})" for key, value in _FIXED.items() if settings[key] != value]
        if changed:
            name = model_config["TRUNK"]["NAME"]
            raise MonoImageError(f"trunk {name} does not have config.MODEL.TRUNK.RESNETS.{', '.join(changed)}")
        return cls(norm_layer(settings), settings["ZERO_INIT_RESIDUAL"])

    def forward(self, images: Tensor, out_feat_keys: Sequence[str] | None = None) -> list[Tensor]:
        """Return features as `Trunk.forward`, running no layer behind the last of them."""
        return super().forward(channels_last(self.checked(images)), out_feat_keys)


class ResNet18At64(ResNet18):
    """`resnet18` for 64-px images."""

    input_size: ClassVar[int] = 64
    any_size: bool = False


class ResNet18At32(ResNet18):
    """`resnet18` for 32-px images."""

    input_size: ClassVar[int] = 32
    any_size: bool = False
