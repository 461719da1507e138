"""Deviations from a protocol that only the data show; they are found when a run starts, and are in its ledger row.

They are not in `config_hash`, which is taken before and is the same on every machine.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from classy_vision.hooks import ClassyHook

from vissl_monoimage.data.known_sets import known_set
from vissl_monoimage.utils.distributed import is_primary

MOST_FILES = 100_000
"""Files of both splits together; test images are not searched among the training images of larger sets."""
_SAMPLES = 128
_LARGEST_MEAN, _LARGEST_FACTOR = 0.5, 2.0  # of normalised images, whose mean is to be 0 and whose deviation 1
_PUBLISHED_SHARE = 0.01  # of test images that published sets repeat: CIFAR-100 has some


class DataDeviationsHook(ClassyHook):
    """Adds the deviations of the data to MONOIMAGE.PROTOCOL_CHANGES when a run starts, and prints them."""

    on_phase_start = on_forward = on_loss_and_meter = on_backward = on_update = ClassyHook._noop
    on_step = on_phase_end = on_end = on_exception = ClassyHook._noop

    def on_start(self, task: Any) -> None:
        if not is_primary():
            return
        changes, protocol = task.config.MONOIMAGE.PROTOCOL_CHANGES, task.config.MONOIMAGE.PROTOCOL
        for change in data_deviations(task.datasets, task.config):
            print(f"the data deviate from protocol {protocol}: {change}", file=sys.stderr)
            if change not in changes:
                changes.append(change)


def data_deviations(datasets: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the data deviate from what a protocol presumes, each as "what=value (what it presumes)".

    Args:
        datasets: VISSL's data sets by split, "train" and "test".
        config: what lies below VISSL's `config`.
    """
    for split, dataset in sorted(datasets.items(), reverse=True):  # train before test
        yield from _missing_images(split, dataset, config["DATA"][split.upper()])
        yield from _normalisation(split, dataset)
    yield from _shared_images(datasets, config["DATA"])


def _missing_images(split: str, dataset: Any, data: Mapping[str, Any]) -> Iterator[str]:
    """Yield that a split is a part of the published data set whose name it has."""
    for source, name, images in zip(data["DATA_SOURCES"], data["DATASET_NAMES"], dataset.data_objs, strict=False):
        known = known_set(name) if source.startswith("disk_") else None
        if known and len(images) < known.images[split.upper()]:
            yield f"{split} images of {known.title}={len(images)} ({known.images[split.upper()]})"


def _normalisation(split: str, dataset: Any) -> Iterator[str]:
    """Yield that normalised images are far from mean 0 and deviation 1 in a channel, over some images of the split."""
    indices = np.linspace(0, len(dataset) - 1, min(len(dataset), _SAMPLES))
    own = _copy(dataset)
    samples = [own[int(index)]["data"][0] for index in indices]
    pixels = [sample.transpose(0, -3).flatten(1) for sample in samples if isinstance(sample, torch.Tensor)]
    if not pixels:
        return
    channels = torch.cat(pixels, 1)
    means, deviations = channels.mean(1), channels.std(1)
    if means.abs().max() > _LARGEST_MEAN or deviations.log().abs().max() > np.log(_LARGEST_FACTOR):
        pairs = zip(means.tolist(), deviations.tolist(), strict=True)
        found = "; ".join(f"{round(mean, 1) + 0.0}, {deviation:.1f}" for mean, deviation in pairs)  # 0.0, never -0.0
        yield f"mean and deviation of normalised {split} images={found} (0, 1)"


def _copy(dataset: Any) -> Any:
    """Return a data set to read from: one that has been read is larger, and is sent to every loader worker."""
    own = copy.copy(dataset)
    own.data_objs = [copy.copy(source) for source in dataset.data_objs]
    own.label_objs = list(dataset.label_objs)  # VISSL appends the labels when it reads the first sample
    return own


def _shared_images(datasets: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    """Yield how many test images are training images, by the bytes of their files."""
    sources = [datasets[split].data_objs for split in ("train", "test") if split in datasets]
    if [len(of_split) for of_split in sources] != [1, 1] or not all(hasattr(one, "image_path") for (one,) in sources):
        return
    (train_images,), (test_images,) = sources
    if len(train_images) + len(test_images) > MOST_FILES:
        return
    train, test = _files(copy.copy(train_images)), _files(copy.copy(test_images))
    shared = count_shared(train, test)
    known = known_set(data["TEST"]["DATASET_NAMES"][0])
    published = known is not None and len(train) == known.images["TRAIN"] and len(test) == known.images["TEST"]
    if shared > (_PUBLISHED_SHARE * len(test) if published else 0):
        yield f"test images that are training images={shared} of {len(test)} (0)"


def _files(images: Any) -> list[str]:
    return [images.image_path(index) for index in range(len(images))]


def count_shared(train: Sequence[str], test: Sequence[str]) -> int:
    """Return how many of the files `test` have the bytes of a file in `train`; files of another size are not read."""
    versions = {path: _version(path) for path in {*train, *test}}
    common = {versions[path][0] for path in train} & {versions[path][0] for path in test}
    digests = {_digest(path, versions[path]) for path in train if versions[path][0] in common}
    return sum(versions[path][0] in common and _digest(path, versions[path]) in digests for path in test)


def _version(path: str) -> tuple[int, int]:
    """Return the size of a file and when it was changed."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


@functools.cache  # for all probes that a process forks
def _digest(path: str, version: tuple[int, int]) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
