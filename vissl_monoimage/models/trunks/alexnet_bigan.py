"""BiGAN's AlexNet encoder (Donahue et al., ICLR 2017, arXiv 1605.09782; jeffdonahue/bigan)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn
from vissl.config import AttrDict
from vissl.models.model_helpers import get_trunk_forward_outputs_module_list
from vissl.models.trunks import register_model_trunk

from vissl_monoimage.models.trunks.base import he_normal, prepare_images


@register_model_trunk("alexnet_bigan")
class AlexNetBiGAN(nn.Module):
    """Convolutions 96-256-384-384-256, leaky ReLU (0.2), batch norm on conv2 to conv5, RGB in.

    The three sizes below have the same weights, so that a trunk trained at 64 or 112 px is probed at 224 px by
    naming `alexnet_bigan`. Heads get `flatten`, the numbers of conv5.

    | trunk, input | conv1 | conv2 | conv3 to conv5 | flatten |
    | --- | --- | --- | --- | --- |
    | `alexnet_bigan`, 224 px | 55 x 55 | 27 x 27 | 13 x 13 | 43,264 |
    | `alexnet_bigan_112px` | 27 x 27 | 13 x 13 | 6 x 6 | 9,216 |
    | `alexnet_bigan_64px` | 15 x 15 | 7 x 7 | 3 x 3 | 2,304 |
    """

    input_size: ClassVar[int] = 224
    all_feat_names: ClassVar[list[str]] = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "flatten"]

    def __init__(self, model_config: AttrDict, model_name: str) -> None:
        super().__init__()
        self._feature_blocks = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 96, 11, stride=4, padding=2), nn.LeakyReLU(0.2, inplace=True)),
                nn.MaxPool2d(kernel_size=3, stride=2),
                _convolution(96, 256, 5),
                nn.MaxPool2d(kernel_size=3, stride=2),
                _convolution(256, 384, 3),
                _convolution(384, 384, 3),
                _convolution(384, 256, 3),
                nn.Flatten(),
            ]
        )
        he_normal(self)

    def forward(self, images: torch.Tensor, out_feat_keys: list[str] | None = None) -> list[torch.Tensor]:
        """The named features of `images` (N, 3, input_size, input_size), in the order asked for."""
        images = prepare_images(images, self.input_size, self)
        return get_trunk_forward_outputs_module_list(images, out_feat_keys, self._feature_blocks, self.all_feat_names)


@register_model_trunk("alexnet_bigan_112px")
class AlexNetBiGAN112(AlexNetBiGAN):
    """`alexnet_bigan` for 112-px images, the paper's larger encoder."""

    input_size = 112


@register_model_trunk("alexnet_bigan_64px")
class AlexNetBiGAN64(AlexNetBiGAN):
    """`alexnet_bigan` for 64-px images."""

    input_size = 64


def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )
