"""What lines of tables are called: the method, and the images that it was pretrained on."""

from __future__ import annotations

import shlex
from pathlib import Path

from vissl_monoimage.data.known_sets import known_set
from vissl_monoimage.ledger.provenance import last_override
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import ProbedTrunk


def trunk_label(trunk: ProbedTrunk) -> str:
    """Return what a probed trunk was pretrained with.

    `random weights`, `random weights of rotnet_convnet4` for those that this pretraining starts from, `rotnet on china
    (1 image)`, `scattering (fixed features)`, `rotnet-imagenet-1k (VISSL's zoo)`, or the name of a checkpoint whose
    origin is not known.
    """
    if trunk.is_fixed:
        return f"{trunk.probe.method} (fixed features)"
    if trunk.zoo:
        return f"{trunk.zoo} (VISSL's zoo)"
    if trunk.is_random:
        return f"random weights{_of_pretraining(trunk)}"
    if trunk.pretrain is None:
        file = Path(trunk.probe.weights.path or "")
        return f"checkpoint {file.parent.name}/{file.name}"
    return pretrain_label(trunk.pretrain)


def pretrain_label(pretrain: Row) -> str:
    """Return method and images of a pretraining: `rotnet on china (1 image)`, `rotnet on cifar10`."""
    images = pretrain.images
    if not images:
        part = f"{pretrain.n_images} images of " if is_less_than_published(pretrain) else ""
        return f"{pretrain.method} on {part}{pretrain.dataset}"
    count = pretrain.n_images or len(images)  # a row names at most 1,000
    source = f"{images[0]['name']} (1 image)" if count == 1 else f"{count} images"
    return f"{pretrain.method} on {source}"


def _of_pretraining(trunk: ProbedTrunk) -> str:
    like = last_override(trunk.pretrain.overrides, "--like") if trunk.pretrain else None
    config = last_override(shlex.split(like), "config") if like else None
    return f" of {Path(config).name}" if config else ""


def is_part(pretrain: Row) -> bool:
    """Return whether a pretraining used fewer images than its folder has; where that is not known, than published."""
    recorded = pretrain.data["train"].images if "train" in pretrain.data else None
    return _used_fewer_than(recorded or _published(pretrain), pretrain)


def is_less_than_published(pretrain: Row) -> bool:
    """Return whether a pretraining used fewer images than its data set has, in its folder or as it was published."""
    return is_part(pretrain) or _used_fewer_than(_published(pretrain), pretrain)


def _published(pretrain: Row) -> int | None:
    known = known_set(pretrain.dataset)
    return known.images["TRAIN"] if known else None


def _used_fewer_than(size: int | None, pretrain: Row) -> bool:
    used = pretrain.n_images
    return not pretrain.images and used is not None and size is not None and used < size
