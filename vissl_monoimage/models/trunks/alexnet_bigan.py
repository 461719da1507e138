"""BiGAN's AlexNet encoder (Donahue et al., ICLR 2017, arXiv 1605.09782; jeffdonahue/bigan)."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from vissl_monoimage.models.trunks.base import LayeredTrunk, he_normal


class AlexNetBiGAN(LayeredTrunk):
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

    def __init__(self) -> None:
        layers = {
            "conv1": nn.Sequential(nn.Conv2d(3, 96, 11, stride=4, padding=2), nn.LeakyReLU(0.2, inplace=True)),
            "pool1": nn.MaxPool2d(kernel_size=3, stride=2),
            "conv2": _convolution(96, 256, 5),
            "pool2": nn.MaxPool2d(kernel_size=3, stride=2),
            "conv3": _convolution(256, 384, 3),
            "conv4": _convolution(384, 384, 3),
            "conv5": _convolution(384, 256, 3),
            "flatten": nn.Flatten(),
        }
        super().__init__(layers)
        he_normal(self)


class AlexNetBiGAN112(AlexNetBiGAN):
    """`alexnet_bigan` for 112-px images, the paper's larger encoder."""

    input_size: ClassVar[int] = 112


class AlexNetBiGAN64(AlexNetBiGAN):
    """`alexnet_bigan` for 64-px images."""

    input_size: ClassVar[int] = 64


def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )
