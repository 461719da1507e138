"""Colour normalisation of images where no configuration says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel of images in [0, 1], as VISSL's transform `Normalize` takes them."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CIFAR10 = Normalisation((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
"""Of our CIFAR configurations."""
IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Of all others, and of VISSL's."""
