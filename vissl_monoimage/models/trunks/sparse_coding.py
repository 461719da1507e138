"""Sparse coding as a trunk of one layer (Olshausen and Field, Nature 1996)."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn
from vissl.config import AttrDict
from vissl.models.model_helpers import get_trunk_forward_outputs_module_list
from vissl.models.trunks import register_model_trunk

from vissl_monoimage.models.trunks.base import prepare_images


class SparseCode(nn.Module):
    """The code of every patch of an image, every second px, (N, 3, H, W) -> (N, 2 ATOMS, H / 2, W / 2).

    A patch x, SIDE px square, is whitened to w = whitening (x - mean), and its code is what is left of the
    responses of the dictionary's atoms beyond a threshold, positive and negative ones in channels of their own:
    max(0, +-a w - THRESHOLD). That is one step of iterative shrinkage from zero (Gregor and LeCun, ICML 2010), the
    rule that Coates and Ng (ICML 2011) found as good for classification as solving for the sparse code,
    at the cost of one convolution. Whitening is affine, so that it is in the convolution's weights.

    State: dictionary (ATOMS, 3, SIDE, SIDE), first, so that the report draws it; whitening (d, d) and mean
    (3, SIDE, SIDE), d = 3 SIDE^2. They start as random atoms of length 1 and no whitening.
    """

    SIDE: ClassVar[int] = 7
    STRIDE: ClassVar[int] = 2
    ATOMS: ClassVar[int] = 256
    THRESHOLD: ClassVar[float] = 1.0
    """Of a response, in standard deviations of a whitened direction; also the weight of sparsity in the learning."""

    dictionary: torch.Tensor
    whitening: torch.Tensor
    mean: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        width = 3 * self.SIDE**2
        atoms = F.normalize(torch.randn(self.ATOMS, width)).view(self.ATOMS, 3, self.SIDE, self.SIDE)
        self.register_buffer("dictionary", atoms)
        self.register_buffer("whitening", torch.eye(width))
        self.register_buffer("mean", torch.zeros(3, self.SIDE, self.SIDE))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        weight = (self.dictionary.flatten(1) @ self.whitening).view_as(self.dictionary)
        bias = -(weight * self.mean).sum((1, 2, 3))
        responses = F.conv2d(images, weight, bias, self.STRIDE, self.SIDE // 2)
        return torch.cat([F.relu(responses - self.THRESHOLD), F.relu(-responses - self.THRESHOLD)], 1)


@register_model_trunk("sparse_coding")
class SparseCodingTrunk(nn.Module):
    """`SparseCode` of 32-px images as the feature conv1, 512 x 16 x 16; `monoimage init sparse_coding` learns it.

    Sides, widths and threshold are ours; the 256 atoms are 1.7 times as many as a patch has numbers.
    """

    input_size: ClassVar[int] = 32
    all_feat_names: ClassVar[list[str]] = ["conv1"]

    def __init__(self, model_config: AttrDict, model_name: str) -> None:
        super().__init__()
        self._feature_blocks = nn.ModuleList([SparseCode()])

    def forward(self, images: torch.Tensor, out_feat_keys: list[str] | None = None) -> list[torch.Tensor]:
        """The named features of `images` (N, 3, 32, 32), in the order asked for."""
        images = prepare_images(images, self.input_size, self)
        return get_trunk_forward_outputs_module_list(images, out_feat_keys, self._feature_blocks, self.all_feat_names)
