"""The check that crops, which have no labels of their own, get them where the loss needs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.single_image_vissl import NAME as SINGLE_IMAGE

_WHERE = "config.DATA.TRAIN.LABEL_PATHS"
_SUPERVISED_LOSSES = ("cross_entropy_multiple_output_single_target", "bce_logits_multiple_output_single_target")
"""VISSL's losses that compare the output with a label of the sample."""


@register_check
def check_labels(config: Settings) -> Iterator[str]:
    """Refuse crops without labels where the loss needs them, and a file with another number of labels than crops."""
    train = config["DATA"]["TRAIN"]
    if config["TEST_ONLY"] or SINGLE_IMAGE not in train["DATA_SOURCES"]:
        return
    if "disk_filelist" in train["LABEL_SOURCES"]:
        crops = read_source_block(monoimage_block(config).get("SOURCE")).NUM_SAMPLES
        yield from _wrong_file(train["LABEL_PATHS"], crops)
    elif config["LOSS"]["name"] in _SUPERVISED_LOSSES and not _makes_labels(config):
        yield (
            f"config.LOSS.name={config['LOSS']['name']} needs a label for every crop, and crops have none: give the "
            "clusters.npy that a deepcluster run on the same crops leaves in its folder, with "
            f"config.DATA.TRAIN.LABEL_SOURCES=[disk_filelist] {_WHERE}=[clusters.npy]"
        )


def _makes_labels(config: Settings) -> bool:
    """Whether the run makes labels of its own: by a transform, a collator, the task, or VISSL's LABEL_TYPE."""
    from classy_vision.tasks import TASK_REGISTRY
    from vissl.data.ssl_transforms import ssl_transforms_wrapper

    from vissl_monoimage.compat.private_api import transforms_with_labels

    train = config["DATA"]["TRAIN"]
    return (
        train["LABEL_TYPE"] != "standard"
        or train["COLLATE_FUNCTION"] != "default_collate"
        or any(transform["name"] in transforms_with_labels(ssl_transforms_wrapper) for transform in train["TRANSFORMS"])
        or getattr(TASK_REGISTRY.get(config["TRAINER"]["TASK_NAME"]), "makes_labels", False)
    )


def _wrong_file(paths: Any, crops: int) -> Iterator[str]:
    if not paths:
        yield f"{_WHERE} names no file of labels: give [clusters.npy], which a deepcluster run leaves"
        return
    path = Path(paths[0])
    try:
        labels = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        yield f"{_WHERE}: '{path}' cannot be read as a NumPy file of labels: {error}"
        return
    if len(labels) != crops:
        yield (
            f"{_WHERE}: '{path}' has {len(labels)} labels for {crops} samples: it must be of a run on the same crops, "
            "with the same config.MONOIMAGE.SOURCE.NUM_SAMPLES"
        )
