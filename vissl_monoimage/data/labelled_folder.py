"""Labelled data sets in a folder: torchvision's files of CIFAR, or class folders of images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vissl_monoimage.data.known_sets import known_set
from vissl_monoimage.errors import MonoImageError

TORCHVISION = {"cifar10": ("CIFAR10", "cifar-10-batches-py"), "cifar100": ("CIFAR100", "cifar-100-python")}
"""Data sets that torchvision unpacks: its class of each, and the folder with the files."""
SPLITS = {"TRAIN": ("train",), "TEST": ("test", "val")}
"""Folders that may hold the classes of a split; the first that exists is taken."""
_NAMED_FOLDER = re.compile(r"(\w[\w-]*)=(.+)")


def named_folder(text: str) -> tuple[str, Path] | None:
    """Return name and folder of a data set given as NAME=FOLDER; None for any other text."""
    found = _NAMED_FOLDER.fullmatch(text)
    return (found[1], Path(found[2]).expanduser()) if found else None


def find_split(name: str, folder: Path, split: str) -> tuple[str, Path]:
    """Return torchvision's class of a data set and its root, or "" and the folder that holds the classes of a split.

    Args:
        name: of the data set, which decides what files of torchvision are looked for; case does not count.
        folder: of the data set.
        split: "TRAIN" or "TEST".

    Raises:
        MonoImageError: the folder holds neither.
    """
    kind, files = TORCHVISION.get(name.lower(), ("", ""))
    if files and (folder / files).is_dir():
        return kind, folder
    found = next((folder / part for part in SPLITS[split] if (folder / part).is_dir()), None)
    if found is None:
        unpacked = f"{files}/ or " if files else ""
        raise MonoImageError(f"{name}={folder}: no {unpacked}{' or '.join(SPLITS[split])}/<class>/ in that folder")
    return "", found


def open_split(name: str, folder: Path, split: str) -> Any:
    """Return torchvision's data set of a split, whose items are pairs of image and label.

    Args:
        name: as in `find_split`, like the others.
        folder: of the data set.
        split: "TRAIN" or "TEST".

    Raises:
        MonoImageError: the folder has no such split, one that cannot be read, or one with more classes than a published
            data set of that name.
    """
    from torchvision import datasets

    kind, root = find_split(name, folder, split)
    try:
        if kind:
            return getattr(datasets, kind)(str(root), train=split == "TRAIN")
        images = datasets.ImageFolder(str(root))
    except (OSError, RuntimeError) as error:  # a RuntimeError is torchvision's, about files that are not its own
        raise MonoImageError(f"{name}={folder}: its images cannot be read: {error}") from None
    known = known_set(name)
    if known and len(images.classes) > known.classes:
        raise MonoImageError(
            f"{name}={folder}: '{root}' has {len(images.classes)} classes, and {known.title} has {known.classes}"
        )
    return images
