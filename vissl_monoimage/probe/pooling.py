"""How a protocol pools a layer's feature before it is probed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vissl_monoimage.errors import MonoImageError

PoolOp = list[Any]  # as in LINEAR_EVAL_FEAT_POOL_OPS_MAP: [name of VISSL's operation, its arguments]


@dataclass(frozen=True)
class BudgetPooling:
    """Adaptive pooling to the largest square map of at most `features` values, all channels together."""

    kind: str
    features: int

    def op(self, layer: str, shape: tuple[int, ...]) -> PoolOp:
        """The operation for `layer`, whose feature is `shape` = (channels, height, width)."""
        channels, height, width = shape
        side = max(1, min(height, width, math.isqrt(self.features // channels)))
        return [f"Adaptive{self.kind}Pool2d", [side]]


@dataclass(frozen=True)
class FixedPooling:
    """The same operation for a layer whatever the trunk; `others` is for what is no convolution, as a ResNet's res2."""

    ops: Mapping[str, PoolOp]
    others: BudgetPooling

    def op(self, layer: str, shape: tuple[int, ...]) -> PoolOp:
        """The operation for `layer`, whose feature is `shape` = (channels, height, width)."""
        if not layer.startswith("conv"):
            return self.others.op(layer, shape)
        if layer not in self.ops:
            raise MonoImageError(f"the protocol pools {', '.join(self.ops)} and what is no convolution, not '{layer}'")
        return self.ops[layer]
