"""What lines of tables are called: the method, and the images that it was pretrained on."""

from __future__ import annotations

from pathlib import Path

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import ProbedTrunk


def trunk_label(trunk: ProbedTrunk) -> str:
    """Return what a probed trunk was pretrained with.

    `random weights`, `rotnet on china (1 image)`, `scattering (fixed features)`, `rotnet-imagenet-1k (VISSL's zoo)`, or
    the name of a checkpoint of unknown origin.
    """
    if trunk.is_fixed:
        return f"{trunk.probe.method} (fixed features)"
    if trunk.zoo:
        return f"{trunk.zoo} (VISSL's zoo)"
    if trunk.is_random:
        return "random weights"
    if trunk.pretrain is None:
        file = Path(trunk.probe.weights.path or "")
        return f"checkpoint {file.parent.name}/{file.name}"
    return pretrain_label(trunk.pretrain)


def pretrain_label(pretrain: Row) -> str:
    """Return method and images of a pretraining: `rotnet on china (1 image)`, `rotnet on cifar10`."""
    images = pretrain.images
    if not images:
        part = f"{pretrain.n_images} images of " if is_part(pretrain) else ""
        return f"{pretrain.method} on {part}{pretrain.dataset}"
    count = pretrain.n_images or len(images)  # a row names at most 1,000
    source = f"{images[0]['name']} (1 image)" if count == 1 else f"{count} images"
    return f"{pretrain.method} on {source}"


def is_part(pretrain: Row) -> bool:
    """Return whether a pretraining used fewer images than its data set has; rows of version 1 do not say how many."""
    used, size = pretrain.n_images, pretrain.data["train"].images if "train" in pretrain.data else None
    return not pretrain.images and used is not None and size is not None and used < size
