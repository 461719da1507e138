"""DeepCluster's fully connected layers, and the top layer, which every clustering replaces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.heads.alexnet_fc import flattened

NAME = "deepcluster"
_SPREAD = 0.01  # standard deviation of new weights, as in the authors' code


class DeepClusterHead(nn.Module):
    """Fully connected layers with dropout, whose output is clustered, and a top layer that classifies the clusters.

    On AlexNet `{"dims": [9216, 4096, 4096]}` is the authors' head (facebookresearch/deepcluster, models/alexnet.py):
    dropout and a linear layer for each width, ReLU between them and before the top layer. The features that are
    clustered are those before that last ReLU. With one entry, `[512]`, the trunk's own output is clustered, as for a
    ResNet. The task writes `clusters` from `config.MONOIMAGE.DEEPCLUSTER.K`.

    Args:
        dims: the flattened size of the trunk's feature, and the widths of the fully connected layers.
        clusters: number of clusters.
        dropout: probability, in [0, 1).

    Raises:
        MonoImageError: no dims, or a dropout outside [0, 1).
    """

    def __init__(self, dims: Sequence[int], clusters: int, dropout: float = 0.5) -> None:
        super().__init__()
        if not dims:
            raise MonoImageError(f"head {NAME}: dims={list(dims)} must hold the input size and the widths of fc layers")
        if not 0 <= dropout < 1:
            raise MonoImageError(f"head {NAME}: dropout={dropout} must be in [0, 1)")
        self.inputs = dims[0]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(dims):
            layers += [nn.ReLU(inplace=True)] if layers else []
            layers += [nn.Dropout(dropout), nn.Linear(inputs, outputs)]
        self.layers = nn.Sequential(*layers)
        self.top = nn.Linear(dims[-1], clusters)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=_SPREAD)
                nn.init.zeros_(layer.bias)

    def features(self, features: torch.Tensor) -> torch.Tensor:
        """Return what is clustered, (N, dims[-1]), for the trunk's `features` (N, ...).

        Raises:
            MonoImageError: the trunk's features flatten to another size than dims[0].
        """
        outputs: torch.Tensor = self.layers(flattened(features, self.inputs, NAME))
        return outputs

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits (N, clusters) of the trunk's `features` (N, ...)."""
        logits: torch.Tensor = self.top(torch.relu(self.features(features)))
        return logits

    @torch.no_grad()
    def renew_top(self, generator: torch.Generator) -> None:
        """Replace the top layer in place: weights N(0, 0.01) drawn on the CPU, bias 0."""
        self.top.weight.copy_(torch.randn(self.top.weight.shape, generator=generator) * _SPREAD)
        self.top.bias.zero_()
