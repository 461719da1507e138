"""The labelled images that a few-shot evaluation is fitted to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from vissl.config import AttrDict
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP, GenericSSLDataset

from vissl_monoimage.compat.private_api import chosen_subset


def draw_images(labels: NDArray[np.int64], draws: Iterable[int], shots: int) -> NDArray[np.int64]:
    """Draw `shots` images of each class, for each draw.

    A draw depends on its number alone, so that all trunks see the same images, and the images of fewer shots are the
    first ones of more.

    Args:
        labels: (samples,) classes 0, 1, ..., each with at least `shots` samples.
        draws: numbers of the draws.
        shots: images per class.

    Returns:
        Positions (draws, classes, shots) in `labels`.
    """
    by_class = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    return np.array(
        [
            [np.random.default_rng([draw, label]).permutation(images)[:shots] for label, images in enumerate(by_class)]
            for draw in draws
        ]
    )


def labels_of(images: GenericSSLDataset) -> NDArray[np.int64]:
    """Return the label of each sample of one of VISSL's data sets, in the order of its indices."""
    if not images.labels_init:
        images.load_labels()
    labels = np.asarray(images.label_objs[0], np.int64)
    subset = chosen_subset(images)
    return labels if subset is None else labels[subset]


def too_few_images(configured: AttrDict, shots: int) -> Iterator[str]:
    """Yield a sentence where a class of the training images has fewer than `shots`, or the head has too few classes.

    Args:
        configured: what lies below VISSL's `config`, completed by `configure_probe`.
        shots: images needed per class.
    """
    images = GenericSSLDataset(configured, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    classes = configured.MODEL.HEAD.PARAMS[0][1]["num_classes"]
    counts = np.bincount(labels_of(images), minlength=classes)
    if len(counts) > classes:
        yield f"config.MODEL.HEAD.PARAMS has num_classes: {classes}, but there are labels up to {len(counts) - 1}"
    elif counts.min() < shots:
        yield (
            f"config.SVM.low_shot.k_values: {shots} images per class need {shots} training images of each class, and "
            f"class {counts.argmin()} has {counts.min()}"
        )
