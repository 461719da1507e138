"""The four-convolution network for CIFAR, which every method and baseline uses at 32 px."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from vissl_monoimage.models.trunks.base import LayeredTrunk, he_normal


class ConvNet4(LayeredTrunk):
    """Four 3 x 3 convolutions of 64-64-128-256 channels, each with BN and ReLU, halving the map between them.

    | feature | channels x map |
    | --- | --- |
    | conv1, pool1 | 64 x 32 x 32, 64 x 16 x 16 |
    | conv2, pool2 | 64 x 16 x 16, 64 x 8 x 8 |
    | conv3, pool3 | 128 x 8 x 8, 128 x 4 x 4 |
    | conv4, pool4 | 256 x 4 x 4, 256 x 2 x 2 |

    The paper has a small network with four convolutions for CIFAR (its Table 1), whose widths are not known;
    these are ours. The forward pass of an image costs 1.8 + 9.4 + 4.7 + 4.7 = 20.6 M multiply-adds. Weights
    start He-normal, as in the authors' AlexNet. Heads get the last feature, pool4.
    """

    input_size: ClassVar[int] = 32
    widths: ClassVar[tuple[int, ...]] = (64, 64, 128, 256)

    def __init__(self) -> None:
        layers: dict[str, nn.Module] = {}
        for number, (inputs, outputs) in enumerate(zip((3, *self.widths), self.widths, strict=False), start=1):
            layers |= {f"conv{number}": convolution(inputs, outputs), f"pool{number}": nn.MaxPool2d(kernel_size=2)}
        super().__init__(layers)
        he_normal(self)


class ConvNet4Sobel(ConvNet4):
    """`convnet4` on edges: conv1 reads the two outputs of DeepCluster's fixed Sobel filter and sees no colours."""

    def __init__(self) -> None:
        super().__init__()
        conv1 = convolution(2, self.widths[0])
        he_normal(conv1)
        self._feature_blocks[0] = nn.Sequential(Sobel(), *conv1)


class Sobel(nn.Module):
    """Horizontal and vertical differences of the mean colour, as in VISSL's `alexnet_deepcluster`; nothing is learned.

    (N, 3, H, W) -> (N, 2, H, W).
    """

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
        self.register_buffer("filters", torch.stack([across, across.T]).unsqueeze(1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the differences; beyond its edges an image is 0."""
        return nn.functional.conv2d(images.mean(1, keepdim=True), self.filters.to(images.dtype), padding=1)


def convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Return a layer of `convnet4` without its pooling: (N, inputs, H, W) -> (N, outputs, H, W)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )
