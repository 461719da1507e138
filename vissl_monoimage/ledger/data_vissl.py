"""What VISSL's data sets hold: names, sizes and contents of a run's splits, for its row in the ledger."""

from __future__ import annotations

import copy
import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.photo_patches import PHOTOS
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.ledger.data_hash import (
    Content,
    FileContent,
    FolderContent,
    JoinedContent,
    KnownContent,
    PixelContent,
    labelled_pixels,
)
from vissl_monoimage.ledger.fingerprint import crops_sha256, file_sha256, json_sha256
from vissl_monoimage.ledger.origin import resolved_recipe
from vissl_monoimage.ledger.row_parts import DataSplit

Described = tuple[int | None, Content]
"""Number of classes, and the content."""


def describe_splits(datasets: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, tuple[DataSplit, Content]]:
    """Return for each split ("train", "test") what is known of it without reading images, and its content.

    Args:
        datasets: VISSL's data sets by split, as a task has them.
        config: what lies below VISSL's `config`.
    """
    return {split: _described(split, dataset, config) for split, dataset in datasets.items()}


def dataset_name(data: Mapping[str, Any]) -> str:
    """Return the name in tables: torchvision says CIFAR10 where a folder of the same images is called cifar10."""
    pairs = zip(data["DATASET_NAMES"], data["DATA_SOURCES"], strict=False)
    return ", ".join(str(name).lower() if source == "torchvision_dataset" else str(name) for name, source in pairs)


def _described(split: str, dataset: Any, config: Mapping[str, Any]) -> tuple[DataSplit, Content]:
    try:
        return _split(split, dataset, config)
    except Exception as error:  # no run is to end for a hash, whatever a data source of another package is like
        print(f"the ledger has no hash of the {split} images: {type(error).__name__}: {error}", file=sys.stderr)
        return DataSplit(dataset_name(config["DATA"][split.upper()])), KnownContent(None)


def _split(split: str, dataset: Any, config: Mapping[str, Any]) -> tuple[DataSplit, Content]:
    data = config["DATA"][split.upper()]
    sources = [
        _describe(kind, source, path, split, config)
        for kind, source, path in zip(data["DATA_SOURCES"], dataset.data_objs, dataset.data_paths, strict=True)
    ]
    classes = sources[0][0] if len(sources) == 1 else None
    parts = [content for _, content in sources]
    for kind, files in zip(data["LABEL_SOURCES"], dataset.label_paths, strict=False):
        if kind == "disk_filelist":
            paths = [Path(file) for file in (files if isinstance(files, list) else [files])]
            parts += [FileContent(path) for path in paths]
            classes = _classes_in(paths[0]) if len(paths) == 1 else None
    drawn_from = monoimage_block(config).get("DRAWN_FROM") if "single_image" in data["DATA_SOURCES"] else None
    sizes = [item["size"] for item in data["TRANSFORMS"] if isinstance(item.get("size"), int)]
    described = DataSplit(
        dataset_name(data),
        len(dataset.data_objs[0]),
        classes,
        drawn_from=drawn_from or None,
        size=sizes[-1] if sizes else None,
        normalisation=_normalisation(data["TRANSFORMS"]),
    )
    return described, parts[0] if len(parts) == 1 else JoinedContent(parts)


def _normalisation(transforms: Sequence[Mapping[str, Any]]) -> str | None:
    for item in transforms:
        if item["name"] == "Normalize":
            values = {key: " ".join(f"{value:g}" for value in item[key]) for key in ("mean", "std")}
            return f"mean {values['mean']}, std {values['std']}"
    return None


def _describe(kind: str, source: Any, path: Any, split: str, config: Mapping[str, Any]) -> Described:
    describe = _SOURCES.get(kind)
    return describe(source, path, split, config) if describe else (None, KnownContent(None))


def _crops(source: Any, path: Any, split: str, config: Mapping[str, Any]) -> Described:
    block = read_source_block(monoimage_block(config).get("SOURCE"))
    recipe = resolved_recipe(block)
    if split == "test":
        recipe |= {"num_samples": block.TEST_SAMPLES, "fresh": False}
    photos = [{"sha256": file.sha256, "notes": file.notes} for file in source.crops.photos.files]
    return None, KnownContent(crops_sha256(photos, recipe, split))


def _patches(source: Any, path: Any, split: str, config: Mapping[str, Any]) -> Described:
    photos = [file_sha256(CATALOG[name].path) for name in PHOTOS]
    values = {"patches": dataclasses.asdict(source.patches.config), "photos": photos, "split": split}
    return len(PHOTOS), KnownContent(json_sha256(values))


def _folder(source: Any, path: Any, split: str, config: Mapping[str, Any]) -> Described:
    root = Path(path)
    relative = [Path(file).relative_to(root).as_posix() for file in _image_paths(source)]
    classes = {name: label for label, name in enumerate(sorted({file.partition("/")[0] for file in relative}))}
    return len(classes), FolderContent(root, [(file, classes[file.partition("/")[0]]) for file in relative])


def _file_list(source: Any, path: Any, split: str, config: Mapping[str, Any]) -> Described:
    data = config["DATA"][split.upper()]
    before, after = data["REMOVE_IMG_PATH_PREFIX"], data["NEW_IMG_PATH_PREFIX"]
    paths = [file.replace(before, after) if file.startswith(before) else file for file in _image_paths(source)]
    root = Path(os.path.commonpath([os.path.dirname(file) for file in paths]))
    relative = [os.path.relpath(file, root) for file in paths]
    # Their order counts too: a file of labels has them in this order.
    in_order = KnownContent(json_sha256(relative))
    return None, JoinedContent([FolderContent(root, [(file, -1) for file in relative]), in_order])


def _torchvision(source: Any, path: Any, split: str, config: Mapping[str, Any]) -> Described:
    images = source.dataset
    classes = getattr(images, "classes", None)
    return len(classes) if classes else None, PixelContent(lambda: labelled_pixels(images))


_SOURCES: dict[str, Callable[[Any, Any, str, Mapping[str, Any]], Described]] = {
    "single_image": _crops,
    "photo_patches": _patches,
    "disk_folder": _folder,
    "disk_filelist": _file_list,
    "torchvision_dataset": _torchvision,
}


def _image_paths(source: Any) -> list[str]:
    samples = getattr(source.image_dataset, "samples", None)
    # VISSL's method reads the folder or list again and keeps it, which the data set itself must not.
    return [sample[0] for sample in samples] if samples else [str(path) for path in copy.copy(source).get_image_paths()]


def _classes_in(path: Path) -> int | None:
    """Return the number of different labels in a NumPy file; None for one that holds pickled objects."""
    try:
        return len(np.unique(np.load(path, mmap_mode="r")))
    except ValueError:
        return None
