"""What a ledger row asks of VISSL's task and its configuration."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn
from vissl.models.trunks.feature_extractor import FeatureExtractorModel

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.data.single_image_vissl import SingleImageSource
from vissl_monoimage.data.unreadable import FILE_NAME as UNREADABLE
from vissl_monoimage.data.unreadable import count_unreadable
from vissl_monoimage.ledger.io import FILE_NAME
from vissl_monoimage.ledger.origin import recipe_and_images
from vissl_monoimage.ledger.provenance import pretext_method
from vissl_monoimage.ledger.row_parts import DataSplit
from vissl_monoimage.models.trunks.registry import fixed_features

IMAGES_PER_SAMPLE = {"four_rotations_collator": 4}
"""Training images that a collator makes of one sample of the data."""


def ledger_path(config: Mapping[str, Any], folder: str | Path) -> Path:
    """Return the ledger of the run in `folder`: `config.MONOIMAGE.LEDGER`, or `ledger.jsonl` in it."""
    return Path(monoimage_block(config).get("LEDGER") or Path(folder, FILE_NAME))


def newest_checkpoint(folder: str) -> str | None:
    """Return the checkpoint that VISSL's link in the folder points to, None where there is none."""
    link = Path(folder, "checkpoint.torch")
    return str(link.resolve()) if link.is_file() else None


def count_replaced(data: Mapping[str, DataSplit], config: Mapping[str, Any]) -> dict[str, DataSplit]:
    """Return the splits of a run with the number of images that could not be read, and print it."""
    folder = config["CHECKPOINT"]["DIR"]
    counts = count_unreadable(folder)
    for split, count in counts.items():
        of = f" of {data[split].images}" if split in data and data[split].images else ""
        print(
            f"{count}{of} {split} images could not be read and were replaced: '{Path(folder, UNREADABLE)}' names them",
            file=sys.stderr,
        )
    return {split: dataclasses.replace(values, unreadable=counts.get(split, 0)) for split, values in data.items()}


def is_probe(config: Mapping[str, Any]) -> bool:
    """Return whether a run evaluates a trunk, and does not pretrain it."""
    return bool(config["MODEL"]["FEATURE_EVAL_SETTINGS"]["EVAL_MODE_ON"])


def weights_file(config: Mapping[str, Any]) -> str | None:
    """Return the file of weights that a run starts from, None where it starts from none."""
    return config["MODEL"]["WEIGHTS_INIT"]["PARAMS_FILE"] or None


def method_of(config: Mapping[str, Any]) -> str:
    """Return the pretext method; of a probe "pretrained", "random", or the name of fixed features."""
    if not is_probe(config):
        return pretext_method(config)
    return "pretrained" if weights_file(config) else fixed_features(config["MODEL"]["TRUNK"]["NAME"]) or "random"


def weights_origin(config: Mapping[str, Any]) -> str:
    """Return where a trunk's first weights come from: "checkpoint", "fixed" (nothing to train) or "random"."""
    if weights_file(config):
        return "checkpoint"
    return "fixed" if fixed_features(config["MODEL"]["TRUNK"]["NAME"]) else "random"


def trunk_of(task: Any) -> nn.Module:
    """Return the trunk itself, which VISSL wraps where its features are evaluated."""
    trunk: nn.Module = task.base_model.trunk
    return trunk.base_model if isinstance(trunk, FeatureExtractorModel) else trunk


def recipe_and_photos(task: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return recipe and photos of single-image training data; both are empty for other data."""
    train = task.datasets.get("train")
    crops = [source.crops for source in getattr(train, "data_objs", []) if isinstance(source, SingleImageSource)]
    return recipe_and_images(crops, monoimage_block(task.config).get("SOURCE"))


def source_images(task: Any, photos: int) -> int | None:
    """Return the number of images that the training data are made of: `photos`, or those of the training split."""
    train = task.datasets.get("train")
    return photos or (len(train) if train is not None else None)


def images_seen(task: Any) -> int:
    """Return the training images of all steps of a finished run, over all processes; an image counts in each epoch.

    RotNet's four rotations are four images; other views that a method makes of an image count once (docs/ledger.md).
    """
    if not task.iteration:  # a probe that is fitted without steps
        return 0
    distributed, train = task.config["DISTRIBUTED"], task.config["DATA"]["TRAIN"]
    processes, phases = distributed["NUM_NODES"] * distributed["NUM_PROC_PER_NODE"], task.num_train_phases
    full = task.iteration // phases * train["BATCHSIZE_PER_REPLICA"]  # if the last batch is as large as the others
    samples = phases * processes * min(math.ceil(len(task.datasets["train"]) / processes), full)
    return int(samples * IMAGES_PER_SAMPLE.get(train["COLLATE_FUNCTION"], 1))
