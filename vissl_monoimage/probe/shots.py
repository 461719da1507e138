"""Which images a low-shot evaluation learns from, and whether there are as many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vissl.config import AttrDict
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP, GenericSSLDataset

from vissl_monoimage.probe.validate import samples_in

_WHERE = "config.SVM"
_SOLVABLE = (
    ("l2", "squared_hinge", True),
    ("l2", "squared_hinge", False),
    ("l2", "hinge", True),
    ("l1", "squared_hinge", False),
)  # penalty, loss, dual of LinearSVC


def draw_images(labels: NDArray[np.int64], draws: Iterable[int], shots: int) -> NDArray[np.int64]:
    """(samples,) labels 0, 1, ... -> positions (draws, classes, shots) of the images drawn of each class.

    A draw depends on its number alone, so that all trunks see the same images, and fewer shots are the first of more.
    Each class must have `shots` images.
    """
    by_class = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    return np.array(
        [
            [np.random.default_rng([draw, label]).permutation(images)[:shots] for label, images in enumerate(by_class)]
            for draw in draws
        ]
    )


def labels_of(images: GenericSSLDataset) -> NDArray[np.int64]:
    """The label of each sample of one of VISSL's data sets, in the order of its indices."""
    if not images.labels_init:
        images.load_labels()
    labels = np.asarray(images.label_objs[0], np.int64)
    if images.data_limit < 0:
        return labels
    if not images._subset_initialized:
        images._init_image_and_label_subset()
    return labels[images.image_and_label_subset]


def problems_with(prepared: AttrDict) -> Iterator[str]:
    """What stops a low-shot evaluation of a prepared config, all else of which is right, a sentence each."""
    svm = prepared.SVM
    lists = [problem for name, least in (("k_values", 1), ("sample_inds", 0)) for problem in _list(svm, name, least)]
    yield from lists
    costs = svm.costs.costs_list
    if not isinstance(costs, list) or len(costs) != 1 or not isinstance(costs[0], (int, float)) or costs[0] <= 0:
        yield f"{_WHERE}.costs.costs_list={costs} must be one positive number: no test image is to choose among several"
    if svm.costs.base != -1:
        yield f"{_WHERE}.costs.base={svm.costs.base} must be -1: it adds costs to the one in costs_list"
    if (svm.penalty, svm.loss, svm.dual) not in _SOLVABLE:
        yield (
            f"{_WHERE}: penalty={svm.penalty}, loss={svm.loss}, dual={svm.dual} is none of scikit-learn's SVMs: "
            + "; ".join(f"{penalty}, {loss}, {dual}" for penalty, loss, dual in _SOLVABLE)
        )
    if svm.normalize is not True:
        yield f"{_WHERE}.normalize={svm.normalize} must be true: features of unit length are compared"
    if not lists and samples_in("TRAIN", prepared):  # the check of the data tells
        yield from _too_few(prepared, max(svm.low_shot.k_values))


def _list(svm: AttrDict, name: str, least: int) -> Iterator[str]:
    numbers: Any = svm.low_shot[name]
    whole = isinstance(numbers, list) and all(type(one) is int and one >= least for one in numbers)
    if not whole or not numbers or len(set(numbers)) < len(numbers):
        yield f"{_WHERE}.low_shot.{name}={numbers} must be different whole numbers of at least {least}, in a list"


def _too_few(prepared: AttrDict, shots: int) -> Iterator[str]:
    images = GenericSSLDataset(prepared, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    classes = prepared.MODEL.HEAD.PARAMS[0][1]["num_classes"]
    counts = np.bincount(labels_of(images), minlength=classes)
    if len(counts) > classes:
        yield f"config.MODEL.HEAD.PARAMS says num_classes: {classes}, and there are labels up to {len(counts) - 1}"
    elif counts.min() < shots:
        yield (
            f"{_WHERE}.low_shot.k_values: {shots} images a class need {shots} training images of each class, and class "
            f"{counts.argmin()} has {counts.min()}"
        )
