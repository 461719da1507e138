"""Classes have one number in both splits of VISSL's data, that of the training images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from iopath.common.file_io import g_pathmgr
from vissl.data import VisslDatasetCatalog
from vissl.data.ssl_dataset import GenericSSLDataset

from vissl_monoimage.data.class_labels import Labels, folder_classes, number_classes, read_labels

FOLDERS, FILE = "disk_folder", "disk_filelist"
_CATALOG_SPLITS = {"TRAIN": "train", "TEST": "val"}


class NumberedSSLDataset(GenericSSLDataset):
    """VISSL's data set, with classes numbered by the training split, whatever the source of the labels.

    VISSL numbers the classes of each split by themselves: where one is missing or renamed in the test split, all later
    classes are off by one. Folders and files with the same classes in both splits have the numbers that VISSL gives.
    Label files are read without running anything.
    """

    def load_single_label_file(self, path: str) -> Labels:
        """Return numbers (N,) int64 of the classes in a .npy file, or several labels for an image as they are.

        Raises:
            MonoImageError: the file holds no labels, or a class that no training image has.
        """
        labels = read_labels(g_pathmgr.get_local_path(path))
        if labels.dtype.kind == "U":
            index = self.label_paths.index(path) if path in self.label_paths else len(self.label_paths)
            classes = class_names(self.cfg, "TRAIN", index) or np.unique(labels).tolist()
            return number_classes(labels, classes, f"'{path}'")
        return labels.astype(np.int64) if labels.ndim == 1 else labels

    def load_labels(self) -> None:
        """Load the labels as VISSL does, and renumber those of folders.

        Raises:
            MonoImageError: a class that no training image has.
        """
        super().load_labels()
        for index, source in enumerate(self.label_sources):
            if source == FOLDERS:
                own = self.data_objs[index].image_dataset.classes
                classes = class_names(self.cfg, "TRAIN", index) or own
                self.label_objs[index] = number_classes(own, classes, f"'{self.data_paths[index]}'")[
                    self.label_objs[index]
                ]


def class_names(config: Mapping[str, Any], split: str, index: int) -> list[str] | None:
    """Return the names of the classes in the order of their numbers; None where labels are numbers or not there.

    Args:
        config: what lies below VISSL's `config`.
        split: "TRAIN" or "TEST".
        index: the place in LABEL_SOURCES.

    Raises:
        MonoImageError: a file that holds no labels.
    """
    sources = config["DATA"][split]["LABEL_SOURCES"]
    if index >= len(sources):
        return None
    images, labels = source_files(config, split, index)
    if sources[index] == FOLDERS and isinstance(images, str) and Path(images).is_dir():
        return folder_classes(images)
    if sources[index] == FILE and isinstance(labels, str) and Path(labels).is_file():
        names = read_labels(labels)
        return np.unique(names).tolist() if names.dtype.kind == "U" else None
    return None


def source_files(config: Mapping[str, Any], split: str, index: int) -> tuple[Any, Any]:
    """Return where a source's images and its labels are, by its paths or else by VISSL's catalog; None if unknown."""
    data = config["DATA"][split]
    name = data["DATASET_NAMES"][index] if index < len(data["DATASET_NAMES"]) else ""
    entry = VisslDatasetCatalog.get(name) if VisslDatasetCatalog.has_data(name) else {}
    images, labels = entry.get(_CATALOG_SPLITS[split]) or (None, None)
    if data["DATA_PATHS"]:
        images = data["DATA_PATHS"][index] if index < len(data["DATA_PATHS"]) else None
    if data["LABEL_PATHS"]:
        labels = data["LABEL_PATHS"][index] if index < len(data["LABEL_PATHS"]) else None
    return images, labels
