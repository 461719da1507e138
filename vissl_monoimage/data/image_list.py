"""Lists of images as VISSL's `disk_filelist` has them: .npy, .json or .yaml files of paths. No code in them is run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vissl_monoimage.errors import MonoImageError

FORMATS = (".npy", ".json", ".yaml")
"""VISSL reads .pkl and .pickle too, which could run code; these are refused."""


def read_image_list(path: str | Path) -> Sequence[Any]:
    """Return the paths in a list of images; those of a .npy file stay on the disk until they are used.

    Raises:
        MonoImageError: the file cannot be read, is of another format, or holds something else.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        pickled = ", for a pickle could run code" if path.suffix in (".pkl", ".pickle") else ""
        raise MonoImageError(
            f"'{path}' must be a list of paths as {', '.join(FORMATS)}{pickled}; numpy.save(path, numpy.array(paths)) "
            "writes the first"
        )
    return _read_array(path) if path.suffix == ".npy" else _read_text(path)


def _read_array(path: Path) -> Sequence[Any]:
    try:
        names: Any = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a damaged header may raise anything
        hint = ": save it as numpy.save(path, numpy.array(paths))" if "objects" in str(error) else ""
        raise MonoImageError(
            f"'{path}' cannot be read as a NumPy file of paths: {' '.join(str(error).split())}{hint}"
        ) from None
    if names.ndim != 1 or names.dtype.kind != "U":
        raise MonoImageError(f"'{path}' holds an array of {names.dtype} of shape {names.shape}, not a list of paths")
    paths: Sequence[Any] = names
    return paths


def _read_text(path: Path) -> Sequence[Any]:
    try:
        text = path.read_text(encoding="utf-8")
        paths = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise MonoImageError(f"'{path}' cannot be read as a list of paths: {reason}") from None
    if not isinstance(paths, list) or not all(isinstance(name, str) for name in paths):
        raise MonoImageError(f'\'{path}\' does not hold a list of paths, such as ["a.png", "b.png"]')
    return paths
