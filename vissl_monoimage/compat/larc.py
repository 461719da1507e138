"""Layer-wise adaptive rate control, which VISSL takes from NVIDIA's apex, in plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import torch


class LARC(torch.optim.SGD):
    """SGD whose step is scaled, parameter by parameter, by the ratio of weight norm to gradient norm.

    You, Gitman and Ginsburg, "Large batch training of convolutional networks" (2017), as apex computes it::

        rate = trust_coefficient * |w| / (|g| + weight_decay * |w| + eps)
        if clip: rate = min(rate / lr, 1)
        g    = rate * (g + weight_decay * w)

    and then plain SGD without weight decay. A parameter of norm zero takes its gradient unscaled; one whose
    gradient is zero does not decay. The state dict is that of the SGD, as apex's is.

    Args:
        optimizer: the SGD to take over: its parameter groups and settings are shared, not copied.
        trust_coefficient: the rate is this fraction of the norm ratio.
        clip: never step further than plain SGD would; without it the rate multiplies the learning rate.
        eps: added to the denominator.
    """

    def __init__(
        self,
        optimizer: torch.optim.SGD,
        trust_coefficient: float = 0.02,
        clip: bool = True,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(optimizer.param_groups, **optimizer.defaults)
        self.trust_coefficient = trust_coefficient
        self.clip = clip
        self.eps = eps

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step; leaves the gradients scaled and decayed. Returns the closure's loss, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        decays = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            self._scale_gradients(group)
            group["weight_decay"] = 0.0
        try:
            super().step()
        finally:
            for group, decay in zip(self.param_groups, decays, strict=True):
                group["weight_decay"] = decay
        return loss

    def _scale_gradients(self, group: dict[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if not weights:
            return
        gradients = [weight.grad for weight in weights]
        weight_norm = torch.stack(torch._foreach_norm(weights))
        gradient_norm = torch.stack(torch._foreach_norm(gradients))
        rate = self.trust_coefficient * weight_norm
        rate = rate / (gradient_norm + weight_norm * group["weight_decay"] + self.eps)
        if self.clip:
            rate = (rate / group["lr"]).clamp(max=1.0)
        # Tensor arithmetic throughout: asking for a norm's value would stall a GPU once a parameter.
        rate = rate.masked_fill(gradient_norm == 0, 0.0).masked_fill(weight_norm == 0, 1.0)
        torch._foreach_add_(gradients, weights, alpha=group["weight_decay"])
        torch._foreach_mul_(gradients, list(rate.unbind()))
