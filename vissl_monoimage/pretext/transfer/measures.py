"""What is measured of a pretext task on images that were not trained on, one function for each method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from vissl.data.ssl_transforms import get_transform

from vissl_monoimage.pretext.bigan.measure import reconstruction
from vissl_monoimage.pretext.bigan.pairs import Pairs, head_of, resized
from vissl_monoimage.pretext.transfer.image_sets import ImageSet
from vissl_monoimage.utils.random import seed_everything

ROTATIONS = 4
ROTATING = ("FourRotations", "ImgRotatePil")
"""Transforms by which a configuration is known to be RotNet's; the images here are rotated afterwards."""
BATCH = 125

Numbers = dict[str, float]


def batches(task: Any, images: ImageSet, transforms: Sequence[Any], view: int = 0) -> Iterator[Tensor]:
    """Yield the images as batches of tensors (N, 3, height, width), on the task's device.

    Args:
        task: the pretraining.
        images: what goes through the transforms.
        transforms: a list of TRANSFORMS, as in the configuration.
        view: another view has other random transforms.
    """
    pipeline, tensors = get_transform(transforms), []
    for index in range(images.count):
        seed_everything("transfer", task.config["SEED_VALUE"], view, index)
        sample = {"data": [images.image(index)], "data_valid": [1], "data_idx": [index], "label": [0]}
        tensors.append(pipeline(sample)["data"][0])
        if len(tensors) == BATCH or index == images.count - 1:
            yield torch.stack(tensors).to(task.device)
            tensors = []


def rotation_accuracy(task: Any, images: ImageSet) -> Numbers:
    """Return `rotation_accuracy`: the percentage of right answers over the four rotations of each image."""
    transforms = [item for item in task.config.DATA.TEST.TRANSFORMS if item["name"] not in ROTATING]
    right = 0
    for batch in batches(task, images, transforms):
        for turns in range(ROTATIONS):
            answers = task.base_model(torch.rot90(batch, turns, (2, 3)))[0].argmax(1)
            right += int((answers == turns).sum())
    return {"rotation_accuracy": 100 * right / (ROTATIONS * images.count)}


def cluster_agreement(task: Any, images: ImageSet) -> Numbers:
    """Return how stable the clusters are that the top layer assigns images to.

    Each image is seen twice under the training's own random transforms, and each view gets the cluster of its largest
    logit.

    Returns:
        `same_cluster`: percentage of the images whose two views are in one cluster. `view_ami`: adjusted mutual
        information of the two assignments, 1 if they are the same clusters and 0 if they agree as by chance, which is
        also said where all images are in one cluster. `photo_ami`: that of the first assignment and the photo that a
        crop is from, where there are several photos. `clusters`: that are not empty, of the first assignment.
    """
    first, second = (
        np.concatenate(
            [
                task.base_model(batch)[0].argmax(1).cpu().numpy()
                for batch in batches(task, images, task.config.DATA.TRAIN.TRANSFORMS, view)
            ]
        )
        for view in range(2)
    )
    numbers = {
        "same_cluster": 100 * float((first == second).mean()),
        "view_ami": adjusted_mutual_information(first, second),
        "clusters": float(len(np.unique(first))),
    }
    if images.photos > 1:
        numbers["photo_ami"] = adjusted_mutual_information(np.arange(images.count) % images.photos, first)
    return numbers


def adjusted_mutual_information(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Return the adjusted mutual information of two clusterings (N,), 0 if one of them has a single cluster."""
    from sklearn.metrics import adjusted_mutual_info_score  # a second to import: not for every run of VISSL

    if min(len(np.unique(first)), len(np.unique(second))) < 2:
        return 0.0
    return float(adjusted_mutual_info_score(first, second))


def reconstruction_errors(task: Any, images: ImageSet) -> Numbers:
    """Return `reconstruction_error` and `mismatch_error`, as `bigan.measure.reconstruction` has them in training."""
    sums: Numbers = {}
    for batch in batches(task, images, task.config.DATA.TEST.TRANSFORMS):
        codes = task.base_model(batch)[0].float()
        inputs = resized(head_of(task), batch)
        for name, value in reconstruction(task, Pairs(inputs, codes, inputs, codes)).items():
            sums[name] = sums.get(name, 0.0) + value * len(batch) / images.count
    return sums
