"""How a protocol pools a layer's feature before the probe's head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vissl_monoimage.errors import MonoImageError

PoolOp = list[Any]
"""An entry of LINEAR_EVAL_FEAT_POOL_OPS_MAP: [name of VISSL's operation, its arguments]."""


@dataclass(frozen=True)
class BudgetPooling:
    """Adaptive pooling to the largest square map whose values number at most `features`, over all channels.

    Attributes:
        kind: "Max" or "Avg".
        features: the largest number of values; a map is at least 1 x 1 whatever the number of channels.
        averaged: prefixes of layer names. The maps of these layers are averaged whatever the kind, such as scattering
            coefficients, which are local averages.
    """

    kind: str
    features: int
    averaged: tuple[str, ...] = ()

    def op(self, layer: str, shape: tuple[int, ...]) -> PoolOp:
        """Return the operation for `layer`, whose feature has `shape` = (channels, height, width)."""
        channels, height, width = shape
        side = max(1, min(height, width, math.isqrt(self.features // channels)))
        kind = "Avg" if layer.startswith(self.averaged) else self.kind
        return [f"Adaptive{kind}Pool2d", [side]]


@dataclass(frozen=True)
class FixedPooling:
    """A fixed pooling operation for each convolution, the same for every trunk.

    Attributes:
        ops: the operation for each convolution, by layer name.
        others: the pooling of layers that are not named `conv...`, such as a ResNet's res2.
    """

    ops: Mapping[str, PoolOp]
    others: BudgetPooling

    def op(self, layer: str, shape: tuple[int, ...]) -> PoolOp:
        """Return the operation for `layer`, whose feature has `shape` = (channels, height, width).

        Raises:
            MonoImageError: the protocol has no operation for this convolution.
        """
        if not layer.startswith("conv"):
            return self.others.op(layer, shape)
        if layer not in self.ops:
            raise MonoImageError(
                f"the protocol has no pooling for layer '{layer}', only for {', '.join(self.ops)} and for layers that "
                "are not convolutions"
            )
        return self.ops[layer]
