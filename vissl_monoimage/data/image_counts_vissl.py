"""How many images a split of VISSL's data has, and how many of each class, without reading any of them."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torchvision.datasets.folder import IMG_EXTENSIONS
from vissl.config import AttrDict
from vissl.data import DATASET_SOURCE_MAP

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings
from vissl_monoimage.data.class_labels import folder_classes, read_labels
from vissl_monoimage.data.class_labels_vissl import FILE, FOLDERS, source_files
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.single_image_vissl import NAME as SINGLE_IMAGE
from vissl_monoimage.errors import MonoImageError


def count_images(config: Settings, split: str, index: int, enough: int | None = None) -> int | None:
    """Return the number of images of a source; None where it cannot be known before the run.

    Args:
        config: what lies below VISSL's `config`.
        split: "TRAIN" or "TEST".
        index: the place in DATA_SOURCES.
        enough: stop counting here; a folder may have millions.
    """
    source = config["DATA"][split]["DATA_SOURCES"][index]
    images, _ = source_files(config, split, index)
    if source == SINGLE_IMAGE:
        block = read_source_block(monoimage_block(config).get("SOURCE"))
        return block.NUM_SAMPLES if split == "TRAIN" else block.TEST_SAMPLES
    if source == FILE:
        return _listed(images)
    if source == FOLDERS:
        return count_below(Path(images), enough) if _is_folder(images) else None
    opened = _opened(config, split, index, images)
    return None if opened is None else len(opened)


def count_classes(config: Settings, split: str, index: int, enough: int) -> list[int] | None:
    """Return the number of images of each class in VISSL's order, each up to `enough`; None where it is unknown."""
    data = config["DATA"][split]
    source = data["LABEL_SOURCES"][index] if index < len(data["LABEL_SOURCES"]) else ""
    images, path = source_files(config, split, index)
    if source == FOLDERS and _is_folder(images):
        return [count_below(Path(images, name), enough) for name in folder_classes(images)]
    if source == FILE and isinstance(path, str) and Path(path).is_file():
        labels = read_labels(path)
        return np.unique(labels, return_counts=True)[1].tolist() if labels.ndim == 1 else None
    opened = _opened(config, split, index, images) if source == "torchvision_dataset" else None
    if opened is None or not hasattr(opened, "get_labels"):
        return None
    return [count for _, count in sorted(Counter(opened.get_labels()).items())]


def _is_folder(path: Any) -> bool:
    return isinstance(path, str) and Path(path).is_dir()


def _listed(path: Any) -> int | None:
    if not isinstance(path, str) or not path.endswith(".npy"):
        return None
    try:
        return len(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError, TypeError):  # for the check of the images
        return None


def count_below(folder: Path, enough: int | None = None) -> int:
    """Return the number of images that torchvision's ImageFolder finds in a folder, at most `enough`."""
    return sum(1 for _ in itertools.islice(_images_below(folder), enough))


def _images_below(folder: Path) -> Iterator[str]:
    """Yield the images that torchvision's ImageFolder finds: by their suffix, through links."""
    for _, _, names in os.walk(folder, followlinks=True):
        yield from (name for name in names if name.lower().endswith(IMG_EXTENSIONS))


def _opened(config: Settings, split: str, index: int, images: Any) -> Any:
    """Return the source as VISSL opens it; None where that fails, which its own check reports."""
    data = config["DATA"][split]
    source, names = data["DATA_SOURCES"][index], data["DATASET_NAMES"]
    if source not in DATASET_SOURCE_MAP or index >= len(names):
        return None
    try:
        return DATASET_SOURCE_MAP[source](
            cfg=AttrDict(config), data_source=source, path=images, split=split, dataset_name=names[index]
        )
    except (AssertionError, MonoImageError, OSError, RuntimeError, TypeError, ValueError):
        return None
