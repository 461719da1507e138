"""Temporary states of a network: in eval mode, with frozen weights, with statistics that it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def at_rest(model: nn.Module) -> Iterator[None]:
    """Put `model` in eval mode, in which a forward pass leaves no trace; afterwards each module has its own mode back.

    Not through `model.train(...)`, which would give its one mode to all modules and let frozen norms train.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def statistics_kept(module: nn.Module) -> Iterator[None]:
    """Let the batch norms of `module` use a batch's statistics without updating their running ones."""
    norms = [layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Compute no gradients for the weights of `module`, which saves a third of its backward pass."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
