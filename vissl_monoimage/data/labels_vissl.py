"""Labels for crops, which have none of their own: a file of them, or a method that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vissl_monoimage.config.access import monoimage_block
from vissl_monoimage.data.crops.recipe import read_source_block
from vissl_monoimage.errors import MonoImageError

_WHERE = "config.DATA.TRAIN.LABEL_PATHS"
_LEARNS_FROM_LABELS = ("cross_entropy_multiple_output_single_target", "bce_logits_multiple_output_single_target")
"""VISSL's losses that compare with a label of the data."""


def check_labels(config: Mapping[str, Any]) -> None:
    """What lies below VISSL's `config` for single-image training data: are there labels, where the loss wants them?

    Raises:
        MonoImageError: there are none, or the file has another number of them than there are samples.
    """
    train = config["DATA"]["TRAIN"]
    if "disk_filelist" in train["LABEL_SOURCES"]:
        _check_file(train["LABEL_PATHS"], read_source_block(monoimage_block(config).get("SOURCE")).NUM_SAMPLES)
    elif config["LOSS"]["name"] in _LEARNS_FROM_LABELS and not _makes_labels(config):
        raise MonoImageError(
            f"config.LOSS.name={config['LOSS']['name']} needs a label for every crop, and crops have none: give the "
            "clusters.npy that a deepcluster run on the same crops leaves in its folder, with "
            f"config.DATA.TRAIN.LABEL_SOURCES=[disk_filelist] {_WHERE}=[clusters.npy]"
        )


def _makes_labels(config: Mapping[str, Any]) -> bool:
    """Whether transforms, a collator or the task do, or VISSL by LABEL_TYPE."""
    from classy_vision.tasks import TASK_REGISTRY
    from vissl.data.ssl_transforms.ssl_transforms_wrapper import _TRANSFORMS_WITH_LABELS

    train = config["DATA"]["TRAIN"]
    return (
        train["LABEL_TYPE"] != "standard"
        or train["COLLATE_FUNCTION"] != "default_collate"
        or any(transform["name"] in _TRANSFORMS_WITH_LABELS for transform in train["TRANSFORMS"])
        or getattr(TASK_REGISTRY.get(config["TRAINER"]["TASK_NAME"]), "makes_labels", False)
    )


def _check_file(paths: Any, samples: int) -> None:
    if not paths:
        raise MonoImageError(f"{_WHERE} names no file of labels: give [clusters.npy], which a deepcluster run leaves")
    path = Path(paths[0])
    try:
        labels = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise MonoImageError(f"{_WHERE}: '{path}' cannot be read as a NumPy file of labels: {error}") from None
    if len(labels) != samples:
        raise MonoImageError(
            f"{_WHERE}: '{path}' has {len(labels)} labels for {samples} samples: it must be of a run on the same "
            "crops, with the same config.MONOIMAGE.SOURCE.NUM_SAMPLES"
        )
