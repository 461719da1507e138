"""The paper's two AlexNets, RGB in, with batch normalisation, for 224-px images and two small sizes.

| trunk | widths | the authors use it for |
| --- | --- | --- |
| `alexnet_rotnet` (VISSL's own) and `alexnet_rotnet_64px`, `_32px` | 64-192-384-256-256 | RotNet |
| `alexnet_rotnet_he` | the same, starting He-normal | - |
| `alexnet_wide` and `alexnet_wide_64px`, `_32px` | 96-256-384-384-256 | DeepCluster, the linear probes |

Features are VISSL's: conv1 (after the ReLU), pool1, conv2, pool2, conv3, conv4, conv5, pool5 and flatten, under VISSL's
state-dict keys (`_feature_blocks.0.0.weight`, ...). The small variants differ from the 224-px network in their first
convolution alone:

| input | conv1 | conv1 | conv2 | conv3 to conv5 | pool5 | cost of the first row's forward pass |
| --- | --- | --- | --- | --- | --- | --- |
| 224 px | 11 x 11, stride 4, padding 2 | 55 x 55 | 27 x 27 | 13 x 13 | 6 x 6 | 655 M multiply-adds |
| 64 px | 7 x 7, stride 4, padding 3 | 16 x 16 | 7 x 7 | 3 x 3 | 1 x 1 | 37 M |
| 32 px | 5 x 5, stride 2, padding 2 | 16 x 16 | 7 x 7 | 3 x 3 | 1 x 1 | 36 M |
"""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from vissl_monoimage.models.trunks.base import LayeredTrunk, he_normal

_KERNELS = (5, 3, 3, 3)  # of conv2 to conv5
_CONV1 = {224: (11, 4, 2), 64: (7, 4, 3), 32: (5, 2, 2)}  # by input size: kernel, stride, padding


class _AlexNet(LayeredTrunk):
    """Five convolutions of `widths` channels with batch norm and ReLU, and max pooling after conv1, conv2 and conv5.

    A seed must give the weights it gave when these trunks were VISSL's with another conv1 put in afterwards. So the
    layers that were drawn and thrown away (`discarded`: inputs, outputs, kernel) are still drawn, and conv1 comes last.
    """

    widths: ClassVar[tuple[int, ...]]
    discarded: ClassVar[tuple[tuple[int, int, int], ...]]

    def __init__(self) -> None:
        for inputs, outputs, kernel in self.discarded:
            nn.Conv2d(inputs, outputs, kernel)
        upper = [
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
            for inputs, outputs, kernel in zip(self.widths, self.widths[1:], _KERNELS, strict=False)
        ]
        conv1 = nn.Conv2d(3, self.widths[0], *_CONV1[self.input_size])
        layers: dict[str, nn.Module] = {}
        for number, convolution in enumerate((conv1, *upper), start=1):
            norm = nn.BatchNorm2d(convolution.out_channels)
            layers[f"conv{number}"] = nn.Sequential(convolution, norm, nn.ReLU(inplace=True))
            if number in (1, 2, 5):
                layers[f"pool{number}"] = nn.MaxPool2d(kernel_size=3, stride=2)
        layers["flatten"] = nn.Identity()  # VISSL's flattens the last dimension alone, so that heads get pool5
        super().__init__(layers)


class AlexNetRotNet64(_AlexNet):
    """VISSL's `alexnet_rotnet` with a first convolution for 64-px images."""

    input_size: ClassVar[int] = 64
    widths: ClassVar[tuple[int, ...]] = (64, 192, 384, 256, 256)
    discarded: ClassVar[tuple[tuple[int, int, int], ...]] = ((3, 64, 11),)


class AlexNetRotNet32(AlexNetRotNet64):
    """VISSL's `alexnet_rotnet` with a first convolution for 32-px images."""

    input_size: ClassVar[int] = 32


class AlexNetRotNetHe(_AlexNet):
    """`alexnet_rotnet` whose convolutions start He-normal, as those of all other trunks of ours do.

    PyTorch's default, which `alexnet_rotnet` starts with, loses scale from layer to layer: of random weights, the
    outputs of conv5 have a median variance of 1e-4 over images and places, and a fifth of its channels less than the
    1e-5 that a probe's batch norm adds, so that it cannot scale them up.
    """

    input_size: ClassVar[int] = 224
    widths: ClassVar[tuple[int, ...]] = (64, 192, 384, 256, 256)
    discarded: ClassVar[tuple[tuple[int, int, int], ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        he_normal(self)


class AlexNetWide(_AlexNet):
    """The authors' probe network: VISSL's `alexnet_deepcluster` on RGB, without its Sobel filter.

    Convolutions start He-normal as in the authors' code (yukimasano/linear-probes, alexnet.py).
    """

    input_size: ClassVar[int] = 224
    widths: ClassVar[tuple[int, ...]] = (96, 256, 384, 384, 256)
    discarded: ClassVar[tuple[tuple[int, int, int], ...]] = ((3, 1, 1), (1, 2, 3), (2, 96, 11))  # Sobel filter, conv1

    def __init__(self) -> None:
        super().__init__()
        he_normal(self)


class AlexNetWide64(AlexNetWide):
    """`alexnet_wide` with a first convolution for 64-px images."""

    input_size: ClassVar[int] = 64


class AlexNetWide32(AlexNetWide):
    """`alexnet_wide` with a first convolution for 32-px images."""

    input_size: ClassVar[int] = 32
