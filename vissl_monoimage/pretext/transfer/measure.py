"""The measurement of a finished pretraining, for its row in the ledger."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch

from vissl_monoimage.models.checkpoint.load_vissl import is_sharded
from vissl_monoimage.pretext.bigan.task import BiGANTask
from vissl_monoimage.pretext.deepcluster.task import DeepClusterTask
from vissl_monoimage.pretext.module_state import at_rest
from vissl_monoimage.pretext.transfer.image_sets import ImageSet, image_sets
from vissl_monoimage.pretext.transfer.measures import (
    ROTATING,
    Numbers,
    cluster_agreement,
    reconstruction_errors,
    rotation_accuracy,
)
from vissl_monoimage.utils.random import preserved_generators


def measure_transfer(task: Any) -> dict[str, Numbers]:
    """Return, by set of images, how well the pretext task is solved there; empty for methods without a measure.

    The networks are in eval mode, so that weights, statistics and random generators stay as they are. What cannot be
    measured is left out, with a line on stderr: no training is to end without its row for it.

    Args:
        task: a pretraining at its end.
    """
    measure = _measure_of(task)
    if measure is None or is_sharded(task.base_model):
        return {}
    results: dict[str, Numbers] = {}
    with preserved_generators(), at_rest(task.base_model), torch.no_grad():
        for name, make in image_sets(task):
            try:
                if images := make():
                    results[name] = measure(task, images)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                print(f"the pretext task was not measured on {name.replace('_', ' ')}: {reason}", file=sys.stderr)
    return results


def _measure_of(task: Any) -> Callable[[Any, ImageSet], Numbers] | None:
    if isinstance(task, BiGANTask):
        return reconstruction_errors
    if isinstance(task, DeepClusterTask):
        return cluster_agreement
    names = [item["name"] for item in task.config.DATA.TRAIN.TRANSFORMS]
    return rotation_accuracy if any(name in ROTATING for name in names) else None
