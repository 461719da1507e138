"""ResNets under VISSL's feature names and state-dict keys, and VISSL's own (`resnet`), without VISSL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models.trunks.base import Trunk, outputs_of, wanted_features

NAME = "resnet"
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}
"""By depth: blocks of the four stages, as in VISSL."""
_WIDTH = 64
_BLOCK = "_feature_blocks.layer{}.{}.conv2.weight"


class ResNetTrunk(Trunk):
    """The blocks of a torchvision ResNet as features conv1, res1 (pooled), res2 to res5, res5avg and flatten.

    Args:
        model: the network; its classifier is left out.
    """

    def __init__(self, model: ResNet) -> None:
        super().__init__()
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
                "flatten": nn.Flatten(),
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
        self.all_feat_names = list(self.feat_eval_mapping)

    def forward(self, images: Tensor, out_feat_keys: Sequence[str] | None = None) -> list[Tensor]:
        """Return features as `Trunk.forward`, running no layer behind the last of them."""
        wanted = [self.feat_eval_mapping[name] for name in wanted_features(self, out_feat_keys)]
        return outputs_of(self._feature_blocks.items(), self.checked(images), wanted)


class VisslResNet(ResNetTrunk):
    """VISSL's ResNet of bottleneck blocks (`vissl.models.trunks.resnext.ResNeXt`), which takes images of any size.

    At 224 px: conv1 64 x 112 x 112, res1 64 x 56 x 56, res2 256 x 56 x 56, res3 512 x 28 x 28, res4 1024 x 14 x 14,
    res5 2048 x 7 x 7, res5avg and flatten 2048, times the width. Images keep their memory layout, as in VISSL: other
    layouts round otherwise.

    Args:
        depth: 50, 101, 152 or 200.
        width: factor of all numbers of channels.
        groups: of the 3 x 3 convolutions.
        width_per_group: channels of a group in the first stage, before the factor.
        last_stride: of res5, 1 or 2.
        norm: makes the normalisation layer of so many channels.
        bgr: whether the network was trained on BGR; images are RGB all the same.
    """

    input_size: ClassVar[int] = 224
    any_size: bool = True

    def __init__(
        self,
        depth: int = 50,
        width: int = 1,
        groups: int = 1,
        width_per_group: int = 64,
        last_stride: int = 2,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
        bgr: bool = False,
    ) -> None:
        model = ResNet(Bottleneck, [1, 1, 1, 1], groups=groups, width_per_group=width_per_group, norm_layer=norm)
        channels = model.inplanes = _WIDTH * width
        model.conv1 = nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False)
        model.bn1 = norm(channels)
        strides = (1, 2, 2, last_stride)
        for stage, (blocks, stride) in enumerate(zip(BLOCKS[depth], strides, strict=True)):
            layer = model._make_layer(Bottleneck, channels * 2**stage, blocks, stride=stride)
            setattr(model, f"layer{stage + 1}", layer)
        super().__init__(model)
        self._bgr = bgr

    @classmethod
    def from_config(cls, model_config: Mapping[str, Any]) -> Self:
        """Build the network that `config.MODEL` asks for, with VISSL's defaults for what it does not say.

        Raises:
            MonoImageError: a setting that VISSL does not have, or images in LAB.
        """
        settings = model_config.get("TRUNK", {}).get("RESNETS", {})
        colours = model_config.get("INPUT_TYPE", "rgb")
        if colours not in ("rgb", "bgr"):
            raise MonoImageError(f"trunk {NAME}: config.MODEL.INPUT_TYPE={colours} is not read: only rgb and bgr are")
        depth, stride = settings.get("DEPTH", 50), settings.get("LAYER4_STRIDE", 2)
        if depth not in BLOCKS:
            raise MonoImageError(f"trunk {NAME} has no depth {depth}: it has {', '.join(map(str, BLOCKS))}")
        if stride not in (1, 2):
            raise MonoImageError(f"trunk {NAME}: config.MODEL.TRUNK.RESNETS.LAYER4_STRIDE={stride} must be 1 or 2")
        return cls(
            depth,
            settings.get("WIDTH_MULTIPLIER", 1),
            settings.get("GROUPS", 1),
            settings.get("WIDTH_PER_GROUP", 64),
            stride,
            norm_layer(settings),
            colours == "bgr",
        )

    def forward(self, images: Tensor, out_feat_keys: Sequence[str] | None = None) -> list[Tensor]:
        """Return features as `Trunk.forward`, running no layer behind the last of them."""
        return super().forward(images[:, [2, 1, 0]] if self._bgr else images, out_feat_keys)


def norm_layer(settings: Mapping[str, Any]) -> Callable[[int], nn.Module]:
    """Return what makes the normalisation layers that `config.MODEL.TRUNK.RESNETS` asks for.

    Raises:
        MonoImageError: an unknown norm.
    """
    norms: dict[str, Callable[[int], nn.Module]] = {
        "BatchNorm": nn.BatchNorm2d,
        "LayerNorm": partial(nn.GroupNorm, 1),  # over channels and places of an image
        "GroupNorm": partial(nn.GroupNorm, settings.get("GROUPNORM_GROUPS", 32)),
    }
    name = settings.get("NORM", "BatchNorm")
    if name not in norms:
        raise MonoImageError(f"config.MODEL.TRUNK.RESNETS.NORM: {unknown('norm', name, norms)}")
    return norms[name]
