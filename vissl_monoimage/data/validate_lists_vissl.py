"""Lists of images, `DATA_SOURCES: [disk_filelist]`: whether they can be read and every image is there."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from vissl_monoimage.config.checks import Settings, register_check, run_checks
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.class_labels_vissl import FILE, source_files
from vissl_monoimage.data.disk_images_vissl import without_prefix
from vissl_monoimage.data.image_list import read_image_list
from vissl_monoimage.data.photos.inspect import map_in_threads
from vissl_monoimage.errors import MonoImageError

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
    try:
        names = read_image_list(path)
    except MonoImageError as error:
        yield f"{where}: {error}"
        return
    missing = _missing([without_prefix(str(name), config["DATA"][split]) for name in names])
    if missing:
        shown = ", ".join(f"'{name}'" for name in missing[:_MOST_NAMED])
        yield f"{where}: of the {len(names)} images in '{path}', {len(missing)} are missing: {shown}"


def _missing(paths: list[str]) -> list[str]:
    """Return the paths without a file, but for URLs."""
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]

    def look(chunk: list[str]) -> list[str]:
        return [path for path in chunk if "://" not in path and not Path(path).is_file()]

    return [path for missing in map_in_threads(look, chunks, "looking for images") for path in missing]
