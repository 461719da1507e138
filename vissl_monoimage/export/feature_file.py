"""The file of `monoimage features`: NumPy's .npz, or .safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write
from vissl_monoimage.utils.paths import unwritable

SUFFIXES = (".npz", ".safetensors")
_MOST_TEXT = 50_000_000  # characters; the header of a .safetensors is limited to 100 MB


@dataclass(frozen=True)
class Labelled:
    """What belongs to the features of a folder of classes.

    Attributes:
        labels: int64 (images,), the place of each image's class in `classes`.
        classes: their names.
        paths: of the images, relative to the folder.
        about: trunk, weights, pooling, and what was done to the images.
    """

    labels: NDArray[np.int64]
    classes: Sequence[str]
    paths: Sequence[str]
    about: Mapping[str, Any]


def check_file(file: Path) -> None:
    """Refuse a file that cannot be written, before the work.

    Raises:
        MonoImageError: another suffix, or a folder that is missing or cannot be written.
    """
    if file.suffix not in SUFFIXES:
        raise MonoImageError(f"'{file}' must end in {' or '.join(SUFFIXES)}")
    if file.is_dir():
        raise MonoImageError(f"cannot write {file}: it is a folder")
    if not file.parent.is_dir():
        raise MonoImageError(f"cannot write {file}: there is no folder {file.parent}")
    if problem := unwritable(file.parent):
        raise MonoImageError(problem)


def check_paths(file: Path, paths: Sequence[str]) -> None:
    """Refuse more paths than the file can hold.

    Raises:
        MonoImageError: there are too many.
    """
    if file.suffix != ".npz" and len(json.dumps(paths)) > _MOST_TEXT:
        raise MonoImageError(f"'{file}' cannot hold the paths of {len(paths)} images: take .npz")


def write_features(file: Path, features: Mapping[str, NDArray[np.float32]], of: Labelled) -> None:
    """Write features (images, channels) by layer, complete or not at all.

    A .npz has an array for each layer, `labels`, `classes` and `paths`, and `about` as JSON. A .safetensors has tensors
    for layers and `labels`; `classes`, `paths` and `about` are JSON in its metadata.

    Raises:
        MonoImageError: the file cannot be written.
    """
    about = json.dumps(of.about)
    with atomic_write(file) as part:
        if file.suffix == ".npz":
            texts = {"classes": np.array(of.classes), "paths": np.array(of.paths), "about": np.array(about)}
            with part.open("wb") as stream:
                np.savez(stream, **features, labels=of.labels, **texts)  # type: ignore[arg-type]
        else:
            metadata = {"classes": json.dumps([*of.classes]), "paths": json.dumps([*of.paths]), "about": about}
            try:
                safetensors.numpy.save_file({**features, "labels": of.labels}, part, metadata)
            except safetensors.SafetensorError as error:  # a full disk, among others
                raise MonoImageError(f"cannot write {file}: {error}") from error
