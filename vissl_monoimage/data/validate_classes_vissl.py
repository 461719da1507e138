"""The labels of a run that learns classes: whether they are there, agree in both splits, and fit the head."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from vissl.data import DATASET_SOURCE_MAP

from vissl_monoimage.config.checks import Settings, register_check, run_checks
from vissl_monoimage.config.heads import stated_outputs
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.class_labels import folder_classes, read_labels, spelled, unknown_classes
from vissl_monoimage.data.class_labels_vissl import FILE, FOLDERS, source_files
from vissl_monoimage.data.image_counts_vissl import count_images
from vissl_monoimage.data.labels_vissl import SUPERVISED_LOSSES
from vissl_monoimage.data.single_image_vissl import NAME as SINGLE_IMAGE

_OWN = "torchvision_dataset"  # VISSL's name for labels from the data source itself


class Classes(NamedTuple):
    """The classes of a split that have an image.

    Attributes:
        where: the file or folder.
        names: sorted; None where classes are numbers.
        numbers: sorted.
    """

    where: str
    names: list[str] | None
    numbers: list[int]


@register_check
def check_classes(config: Settings) -> Iterator[str]:
    """Refuse labels that the run cannot read, learn or test."""
    sources = [(split, index) for split, data in splits(config) for index in range(len(data["LABEL_SOURCES"]))]
    yield from run_checks([functools.partial(_check_source, *source) for source in sources], config)


def _check_source(split: str, index: int, config: Settings) -> Iterator[str]:
    data, where = config["DATA"][split], f"config.DATA.{split}"
    source = data["LABEL_SOURCES"][index]
    if index >= len(data["DATA_SOURCES"]):
        yield f"{where}.LABEL_SOURCES={data['LABEL_SOURCES']} has more entries than DATA_SOURCES={data['DATA_SOURCES']}"
        return
    images = data["DATA_SOURCES"][index]
    has_labels = hasattr(DATASET_SOURCE_MAP.get(images), "get_labels")
    if source == FOLDERS and images != FOLDERS:
        fits = _OWN if has_labels else images
        yield f"{where}.LABEL_SOURCES: {FOLDERS} takes labels from folders, and DATA_SOURCES has {images}: take {fits}"
    elif source == _OWN and not has_labels:
        yield f"{where}.LABEL_SOURCES: the data source {images} has no labels of its own: take {FOLDERS} or {FILE}"
    else:
        if source == FILE:
            yield from _check_file(split, index, config)
        if config["LOSS"]["name"] in SUPERVISED_LOSSES:
            yield from _check_classes(split, index, config)


def _check_classes(split: str, index: int, config: Settings) -> Iterator[str]:
    classes = read_classes(config, split, index)
    if not classes:
        return
    of_folders = config["DATA"][split]["LABEL_SOURCES"][index] == FOLDERS
    key = f"config.DATA.{split}.{'DATA_PATHS' if of_folders else 'LABEL_PATHS'}"
    if split == "TRAIN":
        if len(classes.names or classes.numbers) == 1:
            only = (classes.names or classes.numbers)[0]
            yield f"{key}: {classes.where} has one class, '{only}': a classifier needs at least two"
        yield from (f"{key}: {problem}" for problem in _unfit(classes, config))
    elif not config["TEST_ONLY"] and (train := read_classes(config, "TRAIN", index)):
        yield from (f"{key}: {problem}" for problem in _not_trained(classes, train))


def _check_file(split: str, index: int, config: Settings) -> Iterator[str]:
    where = f"config.DATA.{split}.LABEL_PATHS"
    _, path = source_files(config, split, index)
    if not path:
        yield f"{where} names no file for LABEL_SOURCES=[{FILE}]: give [labels.npy]"
    elif isinstance(path, list):
        return  # several labels for an image: a collator of the user's has to know what they are
    elif not Path(path).is_file():
        yield f"{where}: there is no file '{path}'"
    elif not path.endswith(".npy"):
        yield f"{where}: '{path}' must be a .npy file, as numpy.save writes it"
    else:
        labels = read_labels(path)
        several = labels.ndim == 2 and bool(((labels > 0).sum(axis=1) > 1).any())
        if several and config["METERS"]["name"] == "accuracy_list_meter":
            yield (
                f"{where}: '{path}' has images with several of {labels.shape[1]} labels, and accuracy_list_meter "
                "counts any of them as right: give one label for each image, or config.METERS.name=mean_ap_list_meter"
            )
        source = config["DATA"][split]["DATA_SOURCES"][index]
        count = count_images(config, split, index)
        if count is not None and count != len(labels):
            crops = "; it must be of a run on the same crops, with the same config.MONOIMAGE.SOURCE"
            hint = crops if source == SINGLE_IMAGE else ""
            yield f"{where}: '{path}' has {len(labels)} labels for {count} images{hint}"


def read_classes(config: Settings, split: str, index: int) -> Classes | None:
    """Return the classes of a source; None where they are not known before it is opened, or cannot be read."""
    sources = config["DATA"][split]["LABEL_SOURCES"]
    if index >= len(sources):
        return None
    images, path = source_files(config, split, index)
    if sources[index] == FOLDERS and isinstance(images, str) and Path(images).is_dir():
        names = folder_classes(images)
        return Classes(f"'{images}'", names, list(range(len(names)))) if names else None
    if sources[index] == FILE and isinstance(path, str) and Path(path).is_file():
        labels = np.unique(read_labels(path)) if read_labels(path).ndim == 1 else None
        if labels is not None and labels.dtype.kind == "U":
            return Classes(f"'{path}'", labels.tolist(), list(range(len(labels))))
        return Classes(f"'{path}'", None, [int(label) for label in labels]) if labels is not None else None
    return None


def _unfit(classes: Classes, config: Settings) -> Iterator[str]:
    """Yield which classes the head has no output for."""
    ignored = (config["LOSS"].get(config["LOSS"]["name"]) or {}).get("ignore_index", -100)
    least, most = classes.numbers[0], classes.numbers[-1]
    if any(number < 0 and number != ignored for number in classes.numbers):
        yield f"{classes.where} has the label {least}: classes are numbered from 0"
    for head, outputs in stated_outputs(config["MODEL"]["HEAD"]["PARAMS"]):
        if most < outputs:
            continue
        fits = f"{head} (config.MODEL.HEAD.PARAMS) has {outputs} outputs"
        if classes.names:
            yield f"{classes.where} has {len(classes.names)} classes, and {fits}"
        else:
            hint = ": classes are numbered from 0" if least == 1 else ""
            yield f"{classes.where} has labels up to {most}, and {fits}{hint}"


def _not_trained(test: Classes, train: Classes) -> Iterator[str]:
    """Yield which classes of the test images no training image has."""
    if test.names and train.names:
        if problem := unknown_classes(test.names, train.names, test.where):
            yield problem
    elif test.names is None and train.names is None and (extra := sorted(set(test.numbers) - set(train.numbers))):
        yield f"{test.where} has classes that no training image has: {spelled(extra)}"
