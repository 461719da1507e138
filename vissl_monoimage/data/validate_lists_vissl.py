"""Lists of images, `DATA_SOURCES: [disk_filelist]`: whether they can be read and every image is there."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vissl_monoimage.config.checks import Settings, register_check, run_checks
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.class_labels_vissl import FILE, source_files
from vissl_monoimage.data.disk_images_vissl import without_prefix
from vissl_monoimage.data.photos.inspect import map_in_threads
from vissl_monoimage.errors import MonoImageError

_FORMATS = (".npy", ".json", ".pkl", ".pickle", ".yaml")  # that VISSL reads
_MOST_NAMED = 3
_CHUNK = 4096


@register_check
def check_lists(config: Settings) -> Iterator[str]:
    """Refuse lists of images that cannot be read, and those that name missing files."""
    lists = [
        (split, index)
        for split, data in splits(config)
        for index, source in enumerate(data["DATA_SOURCES"])
        if source == FILE
    ]
    yield from run_checks([functools.partial(_check_list, *place) for place in lists], config)


def _check_list(split: str, index: int, config: Settings) -> Iterator[str]:
    where, (path, _) = f"config.DATA.{split}.DATA_PATHS", source_files(config, split, index)
    if not isinstance(path, str) or not Path(path).is_file():
        return  # the check of the data says so
    if Path(path).suffix not in _FORMATS:
        yield f"{where}: '{path}' must be a list of paths as {', '.join(_FORMATS)}; numpy.save writes the first"
    elif path.endswith(".npy"):
        names = read_paths(path)
        missing = _missing([without_prefix(str(name), config["DATA"][split]) for name in names])
        if missing:
            shown = ", ".join(f"'{name}'" for name in missing[:_MOST_NAMED])
            yield f"{where}: of the {len(names)} images in '{path}', {len(missing)} are missing: {shown}"


def read_paths(path: str) -> Sequence[Any]:
    """Return the paths in a .npy file.

    Raises:
        MonoImageError: the file cannot be read, or holds something else.
    """
    try:
        names = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        hint = ": save it as numpy.save(path, numpy.array(paths))" if "objects" in str(error) else ""
        raise MonoImageError(f"'{path}' cannot be read as a NumPy file of paths: {error}{hint}") from None
    if names.ndim != 1 or names.dtype.kind != "U":
        raise MonoImageError(f"'{path}' holds an array of {names.dtype} of shape {names.shape}, not a list of paths")
    paths: Sequence[Any] = names
    return paths


def _missing(paths: list[str]) -> list[str]:
    """Return the paths without a file, but for URLs."""
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]

    def look(chunk: list[str]) -> list[str]:
        return [path for path in chunk if "://" not in path and not Path(path).is_file()]

    return [path for missing in map_in_threads(look, chunks, "looking for images") for path in missing]
