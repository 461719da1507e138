"""Class labels of images on the disk: names of folders, or a NumPy file with a name or a number for each image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vissl_monoimage.errors import MonoImageError, nearest

Labels = NDArray[Any]
_SHOWN = 6  # names spelled out in a message; the rest are counted


def folder_classes(folder: str | Path) -> list[str]:
    """Return the names of the folders in `folder`, sorted: torchvision's ImageFolder numbers them in this order."""
    return sorted(entry.name for entry in Path(folder).iterdir() if entry.is_dir())


def read_labels(path: str | Path) -> Labels:
    """Return the labels in a .npy file: names or whole numbers (N,), or several of 0 and 1 for an image, (N, classes).

    Nothing in the file is ever run, and the array stays on the disk until it is used.

    Raises:
        MonoImageError: the file cannot be read, or holds other values.
    """
    try:
        labels: Labels = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a damaged header may raise anything
        if "objects" not in str(error):
            raise MonoImageError(
                f"'{path}' cannot be read as a NumPy file of labels: {' '.join(str(error).split())}"
            ) from None
        raise MonoImageError(
            f"'{path}' holds Python objects, which could run code: save names as np.save(path, labels.astype(str)), "
            "numbers as np.save(path, labels.astype('int64'))"
        ) from None
    if labels.ndim not in (1, 2) or labels.dtype.kind not in "iuUb":
        raise MonoImageError(
            f"'{path}' holds an array of {labels.dtype} of shape {labels.shape}: labels are names or whole numbers, "
            "one for an image"
        )
    if not len(labels):
        raise MonoImageError(f"'{path}' holds no labels")
    return labels


def number_classes(labels: Sequence[str] | Labels, classes: Sequence[str], where: str) -> NDArray[np.int64]:
    """Return the place of each label (N,) in `classes`.

    Args:
        labels: a name for each image.
        classes: all names, in the order of their numbers.
        where: what the labels belong to, for the message.

    Raises:
        MonoImageError: a label that is none of the classes.
    """
    names, inverse = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    if problem := unknown_classes(names.tolist(), classes, where):
        raise MonoImageError(problem)
    numbers = {name: number for number, name in enumerate(classes)}
    return np.array([numbers[name] for name in names.tolist()], dtype=np.int64)[inverse]


def unknown_classes(names: Sequence[str], classes: Sequence[str], where: str) -> str | None:
    """Return the sentence that names those of `names` that no training image has, None where there are none."""
    extra = sorted(set(names) - set(classes))
    if not extra:
        return None
    close = nearest(extra[0], classes)
    hint = f"did you mean '{close}'?" if close else f"they have {spelled(classes)}"
    return f"{where} has classes that no training image has: {spelled(extra)}; {hint}"


def spelled(names: Sequence[Any]) -> str:
    """Return the first names in quotes and the number of the rest."""
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + rest
