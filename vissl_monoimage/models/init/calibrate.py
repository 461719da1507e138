"""Statistics of a trunk's batch norms, computed from images; no weight changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.init.images import BATCH, Images
from vissl_monoimage.utils.progress import track


class _Reached(Exception):
    """The forward pass has reached the layer that it was for, and goes no further."""


@torch.no_grad()
def calibrate(trunk: nn.Module, images: Images) -> None:
    """Set the running mean and variance of every batch norm to those of its input on `images`.

    One pass over all images for each batch norm, in the order in which the trunk reaches them, each up to that layer
    and with the finished statistics of the layers before it. So mean and variance are exact: pooled over all images and
    places, in float64, and of the inputs that the layer gets in a probe, which keeps statistics fixed. An average over
    batches in training mode would come from inputs that were normalised by the statistics of their own batch.

    The variance is that of the population (divided by the number of values), as batch norm normalises in training.
    Counters of batches stay as they are.

    Args:
        trunk: in any mode; it is left in eval mode.
        images: of the trunk's input size.

    Raises:
        MonoImageError: the trunk has no batch norm that keeps statistics, or uses one several times in a forward pass.
    """
    trunk.eval()
    pixels = images.pixels()
    norms = _in_order(trunk, images.normalise(pixels[:2].float() / 255))
    for number, norm in enumerate(norms, 1):
        batches = track(pixels.split(BATCH), f"batch norm {number} of {len(norms)}")
        mean, variance = _moments(_inputs(trunk, norm, (images.normalise(batch.float() / 255) for batch in batches)))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def _in_order(trunk: nn.Module, images: Tensor) -> list[Any]:
    """Return the batch norms with running statistics, in the order in which a forward pass reaches them."""
    norms: list[Any] = [
        module for module in trunk.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]
    if not norms:
        raise MonoImageError(
            f"trunk {type(trunk).__name__} has no batch norm, so there are no statistics to calibrate: its random "
            "weights are their own baseline"
        )
    reached: list[nn.Module] = []
    handles = [norm.register_forward_pre_hook(lambda module, inputs: reached.append(module)) for norm in norms]
    trunk(images)
    for handle in handles:
        handle.remove()
    if len(set(reached)) < len(reached):
        raise MonoImageError(
            f"trunk {type(trunk).__name__} uses a batch norm several times, so its input is not unique"
        )
    return reached


def _inputs(trunk: nn.Module, norm: nn.Module, batches: Iterator[Tensor]) -> Iterator[Tensor]:
    """Yield the input of `norm` on each batch: (N, channels, ...)."""

    def stop(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        raise _Reached(inputs[0])

    handle = norm.register_forward_pre_hook(stop)
    try:
        for batch in batches:
            try:
                trunk(batch)
            except _Reached as reached:
                yield reached.args[0]
    finally:
        handle.remove()


def _moments(batches: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel over all batches, places and images: float64 (channels,)."""
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for batch in batches:
        values = batch.double().movedim(1, 0).flatten(1)
        added = values.shape[1]
        shift = values.mean(1) - mean
        squares = squares + values.var(1, correction=0) * added + shift.square() * (count * added / (count + added))
        mean = mean + shift * (added / (count + added))
        count += added
    return mean, squares / count
