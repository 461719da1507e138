"""The photos in a folder: every file that Pillow opens here; what else is there is named."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import deque
from pathlib import Path

from vissl_monoimage.data.photos.formats import photo_suffixes
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.distributed import is_primary

_COMMON = (".avif", ".bmp", ".gif", ".heic", ".jpg", ".png", ".tif", ".webp")
_SKIPPED = {"@eaDir", "__MACOSX", "Thumbs.db", "desktop.ini"}  # of systems, beside names that begin with a dot
_MOST_NAMED = 5

_log = logging.getLogger(__name__)
_named: set[Path] = set()


def photos_in(folder: Path) -> list[Path]:
    """Return the photos in a folder at any depth, sorted by path.

    Hidden files and folders are skipped. Links to folders are followed, and each folder is read once, by its own path
    if it lies in `folder`. Other files are left out, which is logged once.

    Raises:
        MonoImageError: there are none, or a folder in it cannot be read.
    """
    photos, others = _sorted_out(folder)
    common = ", ".join(suffix for suffix in _COMMON if suffix in photo_suffixes())
    if not photos:
        found = f", but {_listed(folder, others)}" if others else ""
        raise MonoImageError(f"folder {folder} has no photos that Pillow opens here ({common} and others){found}")
    if others and folder not in _named and is_primary() and multiprocessing.parent_process() is None:
        _named.add(folder)
        _log.warning("%s: left out %s, which Pillow does not open as photos here", folder, _listed(folder, others))
    return photos


def _sorted_out(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return photos and other files."""
    photos, others = [], []
    seen: set[tuple[int, int]] = set()
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        current = (folders or links).popleft()
        for entry in _listing(current, seen):
            path = current / entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_dir():
                links.append(path)  # after all folders, which have the better path
            elif path.suffix.lower() in photo_suffixes() and entry.is_file():
                photos.append(path)
            else:
                others.append(path)
    return sorted(photos), sorted(others)


def _listing(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return what is in a folder but hidden; nothing if it is among those `seen`, to which it is added."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _SKIPPED]
    except OSError as error:
        raise MonoImageError(f"folder {folder} cannot be read: {error.strerror}") from None


def _listed(folder: Path, files: list[Path]) -> str:
    names = ", ".join(str(file.relative_to(folder)) for file in files[:_MOST_NAMED])
    return names + (f" and {len(files) - _MOST_NAMED} more files" if len(files) > _MOST_NAMED else "")
