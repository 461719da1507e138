"""Sparse coding as a trunk of one layer (Olshausen and Field, Nature 1996)."""

from __future__ import annotations

from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vissl_monoimage.models.trunks.base import LayeredTrunk


class SparseCode(nn.Module):
    """Code the patches of an image, one every second px: (N, 3, H, W) -> (N, 2 ATOMS, H / 2, W / 2).

    A patch x, SIDE px square, is whitened to w = whitening (x - mean). Its code is the part of each atom's response
    beyond a threshold, with positive and negative responses in channels of their own: max(0, +-a w - THRESHOLD). That
    is one step of iterative shrinkage from zero (Gregor and LeCun, ICML 2010). Coates and Ng (ICML 2011) found it as
    good for classification as solving for the sparse code, at the cost of one convolution. Whitening is affine, so it
    is folded into the weights of the convolution.

    State: dictionary (ATOMS, 3, SIDE, SIDE), first, because the report draws the first tensor; whitening (d, d) and
    mean (3, SIDE, SIDE), d = 3 SIDE^2. It starts with random atoms of length 1 and no whitening.
    """

    SIDE: ClassVar[int] = 7
    STRIDE: ClassVar[int] = 2
    ATOMS: ClassVar[int] = 256
    THRESHOLD: ClassVar[float] = 1.0
    """In standard deviations of a whitened direction; also the weight of the sparsity term in learning the atoms."""

    dictionary: Tensor
    whitening: Tensor
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        width = 3 * self.SIDE**2
        atoms = F.normalize(torch.randn(self.ATOMS, width)).view(self.ATOMS, 3, self.SIDE, self.SIDE)
        self.register_buffer("dictionary", atoms)
        self.register_buffer("whitening", torch.eye(width))
        self.register_buffer("mean", torch.zeros(3, self.SIDE, self.SIDE))

    def forward(self, images: Tensor) -> Tensor:
        """Return the codes (N, 2 ATOMS, H / 2, W / 2) of images (N, 3, H, W)."""
        weight = (self.dictionary.flatten(1) @ self.whitening).view_as(self.dictionary)
        bias = -(weight * self.mean).sum((1, 2, 3))
        responses = F.conv2d(images, weight, bias, self.STRIDE, self.SIDE // 2)
        return torch.cat([F.relu(responses - self.THRESHOLD), F.relu(-responses - self.THRESHOLD)], 1)


class SparseCodingTrunk(LayeredTrunk):
    """`SparseCode` of 32-px images as the feature conv1, 512 x 16 x 16; `monoimage init sparse_coding` learns it.

    Patch size, number of atoms and threshold are ours; there are 1.7 times as many atoms as numbers in a patch.
    """

    input_size: ClassVar[int] = 32

    def __init__(self) -> None:
        super().__init__({"conv1": SparseCode()})

    @property
    def code(self) -> SparseCode:
        """The one layer."""
        return cast(SparseCode, self._feature_blocks[0])
