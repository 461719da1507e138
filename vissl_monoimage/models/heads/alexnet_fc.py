"""Fully connected heads for pretraining on a convolutional trunk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from vissl_monoimage.errors import MonoImageError


class AlexNetFC(nn.Module):
    """RotNet's fully connected layers: flatten; linear without bias, BN, ReLU for each hidden width; linear.

    On AlexNet `{"dims": [9216, 4096, 4096, 4]}` is the authors' fc6, fc7 and classifier
    (gidariss/FeatureLearningRotNet, architectures/AlexNet.py); there is no dropout. VISSL's `mlp` head does
    not flatten, so it cannot follow a convolutional feature.

    Args:
        dims: the flattened size of the trunk's feature, the hidden widths, the number of outputs.
        eps: added to the variance by the batch norms.
        momentum: of the running statistics of the batch norms.

    Raises:
        MonoImageError: fewer than two dims.
    """

    def __init__(self, dims: Sequence[int], eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        if len(dims) < 2:
            raise MonoImageError(
                f"head alexnet_fc: dims={list(dims)} must hold the input size, any hidden widths "
                "and the number of outputs"
            )
        self.inputs = dims[0]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(dims[:-1]):
            norm = nn.BatchNorm1d(outputs, eps, momentum)
            layers += [nn.Linear(inputs, outputs, bias=False), norm, nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Linear(dims[-2], dims[-1]))

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (N, dims[-1]) of the trunk's `features` (N, ...).

        Raises:
            MonoImageError: the features flatten to another size than dims[0].
        """
        logits: Tensor = self.layers(flattened(features, self.inputs, "alexnet_fc"))
        return logits


def flattened(features: Tensor, inputs: int, head: str) -> Tensor:
    """Return `features` (N, ...) as (N, inputs), for the head of that name.

    Raises:
        MonoImageError: they flatten to another size.
    """
    flat = torch.flatten(features, start_dim=1)
    if flat.shape[1] != inputs:
        got = f"{' x '.join(str(side) for side in features.shape[1:])} = {flat.shape[1]}"
        raise MonoImageError(
            f"head {head}: dims[0]={inputs}, but the trunk gives {got} numbers: "
            "set dims[0] in config.MODEL.HEAD.PARAMS to that, or choose the trunk for this image size"
        )
    return flat
