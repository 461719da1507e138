"""The paper's two AlexNets, RGB in, with batch normalisation, for 224-px images and two small sizes.

| trunk | widths | the authors use it for |
| --- | --- | --- |
| `alexnet_rotnet` (VISSL's own) and `alexnet_rotnet_64px`, `_32px` | 64-192-384-256-256 | RotNet |
| `alexnet_wide` and `alexnet_wide_64px`, `_32px` | 96-256-384-384-256 | DeepCluster, the linear probes |

All have VISSL's features conv1 (after the ReLU), pool1, conv2, pool2, conv3, conv4, conv5, pool5 and
flatten, under VISSL's state-dict keys (`_feature_blocks.0.0.weight`, ...). The small variants differ from the
224-px network in their first convolution alone:

| input | conv1 | conv1 | conv2 | conv3 to conv5 | pool5 | cost of the first row's forward pass |
| --- | --- | --- | --- | --- | --- | --- |
| 224 px | 11 x 11, stride 4, padding 2 | 55 x 55 | 27 x 27 | 13 x 13 | 6 x 6 | 655 M multiply-adds |
| 64 px | 7 x 7, stride 4, padding 3 | 16 x 16 | 7 x 7 | 3 x 3 | 1 x 1 | 37 M |
| 32 px | 5 x 5, stride 2, padding 2 | 16 x 16 | 7 x 7 | 3 x 3 | 1 x 1 | 36 M |
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn
from vissl.config import AttrDict
from vissl.models.trunks import register_model_trunk
from vissl.models.trunks.alexnet_deepcluster import AlexNetDeepCluster
from vissl.models.trunks.alexnet_rotnet import AlexNetRotNet

from vissl_monoimage.models.trunks.base import SizedInput, he_normal


def _replace_conv1(trunk: Any, convolution: nn.Conv2d) -> None:
    trunk._feature_blocks[0][0] = convolution


@register_model_trunk("alexnet_rotnet_64px")
class AlexNetRotNet64(SizedInput, AlexNetRotNet):
    """VISSL's `alexnet_rotnet` with a first convolution for 64-px images."""

    input_size = 64

    def __init__(self, model_config: AttrDict, model_name: str) -> None:
        super().__init__(model_config, model_name)
        _replace_conv1(self, nn.Conv2d(3, 64, kernel_size=7, stride=4, padding=3))


@register_model_trunk("alexnet_rotnet_32px")
class AlexNetRotNet32(SizedInput, AlexNetRotNet):
    """VISSL's `alexnet_rotnet` with a first convolution for 32-px images."""

    input_size = 32

    def __init__(self, model_config: AttrDict, model_name: str) -> None:
        super().__init__(model_config, model_name)
        _replace_conv1(self, nn.Conv2d(3, 64, kernel_size=5, stride=2, padding=2))


@register_model_trunk("alexnet_wide")
class AlexNetWide(SizedInput, AlexNetDeepCluster):
    """The authors' probe network: VISSL's `alexnet_deepcluster` on RGB, without its Sobel filter.

    Convolutions start He-normal as in the authors' code (yukimasano/linear-probes, alexnet.py).
    """

    input_size = 224
    conv1: ClassVar[dict[str, Any]] = {"kernel_size": 11, "stride": 4, "padding": 2}

    def __init__(self, model_config: AttrDict, model_name: str) -> None:
        super().__init__(model_config, model_name)
        self.sobel = nn.Identity()
        _replace_conv1(self, nn.Conv2d(3, 96, **self.conv1))
        he_normal(self)


@register_model_trunk("alexnet_wide_64px")
class AlexNetWide64(AlexNetWide):
    """`alexnet_wide` with a first convolution for 64-px images."""

    input_size = 64
    conv1: ClassVar[dict[str, Any]] = {"kernel_size": 7, "stride": 4, "padding": 3}


@register_model_trunk("alexnet_wide_32px")
class AlexNetWide32(AlexNetWide):
    """`alexnet_wide` with a first convolution for 32-px images."""

    input_size = 32
    conv1: ClassVar[dict[str, Any]] = {"kernel_size": 5, "stride": 2, "padding": 2}
