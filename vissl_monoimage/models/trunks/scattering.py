"""Scattering networks: wavelets and moduli in place of learned convolutions."""

from __future__ import annotations

import copy
import functools
from typing import ClassVar

# kymatio.torch would also import the 3-D part, which needs a function that SciPy 1.17 no longer has.
from kymatio.scattering2d.frontend.torch_frontend import ScatteringTorch2D
from torch import Tensor, nn

from vissl_monoimage.models.trunks.base import FixedTrunk


class _Channelwise(nn.Module):
    """(N, 3, S, S) -> (N, 3 K, S / 2^J, S / 2^J): each colour's K coefficients of order 0, 1 and 2, one after another.

    K = 1 + 8 J + 64 J (J - 1) / 2, of 8 angles: 81 for J = 2, 217 for J = 3.
    """

    def __init__(self, scales: int, size: int) -> None:
        super().__init__()
        self.scattering = copy.deepcopy(_filters(scales, size))

    def forward(self, images: Tensor) -> Tensor:
        coefficients: Tensor = self.scattering(images)
        return coefficients.flatten(1, 2)


@functools.cache
def _filters(scales: int, size: int) -> ScatteringTorch2D:
    """Build the filters, once per process: at 224 px it takes 3 s, and a run builds its trunk several times."""
    return ScatteringTorch2D(J=scales, shape=(size, size), L=8, max_order=2)


class Scattering(FixedTrunk):
    """The scattering transform of each colour of 224-px images, order at most 2, 8 angles, by kymatio.

    | feature | channels x map at 224 px, at 64 px, at 32 px |
    | --- | --- |
    | scattering_J2 | 243 x 56 x 56, 243 x 16 x 16, 243 x 8 x 8 |
    | scattering_J3 | 651 x 28 x 28, 651 x 8 x 8, 651 x 4 x 4 |

    Asano et al. (ICLR 2020, Table 2) use it, after Oyallon et al., in place of conv1 and conv2. Their J is not known,
    hence both. It has so many channels that a protocol with a limit on the features per layer leaves it few places:
    `cifar-v1` pools to 4 x 4 (J = 2) and 2 x 2 (J = 3).
    """

    fixed: ClassVar[str] = "scattering"
    input_size: ClassVar[int] = 224

    def __init__(self) -> None:
        super().__init__({f"scattering_J{scales}": _Channelwise(scales, self.input_size) for scales in (2, 3)})


class ScatteringAt32(Scattering):
    """`scattering` for 32-px images."""

    input_size: ClassVar[int] = 32


class ScatteringAt64(Scattering):
    """`scattering` for 64-px images."""

    input_size: ClassVar[int] = 64
