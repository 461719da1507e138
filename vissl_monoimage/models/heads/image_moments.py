"""Batch statistics from sums over each image, which stay the same in every epoch over cached features."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def image_moments(feature: Tensor) -> Tensor:
    """Return the sum and the sum of squares of each channel of each image.

    Args:
        feature: (batch, channels, height, width) float32.

    Returns:
        (batch, channels, 2) float64.
    """
    values = feature.permute(0, 2, 3, 1).flatten(1, 2).double()  # channels last, along which the sums are vectors
    return torch.stack([values.sum(1), values.square_().sum(1)], -1)


def has_gaps(feature: Tensor) -> bool:
    """Return whether the images of a feature do not lie side by side in memory, as one layer's in rows of several.

    torch takes the statistics of others in another order, and rounds them differently.
    """
    return not (feature.is_contiguous() or feature.is_contiguous(memory_format=torch.channels_last))


def batch_norm(norm: nn.BatchNorm2d, feature: Tensor, moments: Tensor) -> Tensor:
    """Return `norm(feature)` in training, and update its running statistics, in a third of the time on a CPU.

    The result is torch's to the bit. torch takes the mean in float32 and the sum of squared deviations in float64: only
    the latter comes from the moments, exact to more digits than are kept.

    Args:
        norm: without affine parameters, and with a momentum.
        feature: (batch, channels, height, width) float32 that `has_gaps`, without a gradient.
        moments: `image_moments` of it.
    """
    count = feature.numel() // feature.shape[1]
    mean = feature.mean((0, 2, 3))
    exact, (total, squares) = mean.double(), moments.sum(0).unbind(-1)
    deviations = squares - 2 * exact * total + count * exact.square()
    for running, value in ((norm.running_mean, exact), (norm.running_var, deviations / (count - 1))):
        running.copy_(norm.momentum * value + (1 - norm.momentum) * running.double())  # type: ignore[union-attr,operator]
    norm.num_batches_tracked.add_(1)  # type: ignore[union-attr]
    inverse = (1 / (deviations / count + norm.eps).sqrt()).float()
    return (feature - mean[:, None, None]).mul_(inverse[:, None, None])
