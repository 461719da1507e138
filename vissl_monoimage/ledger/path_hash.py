"""Hashes of the files and folders that a run reads, cheap enough to take at every start."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vissl_monoimage.models.checkpoint.file import checkpoint_sha256

MOST_SIZES = 100_000
"""Files of a folder whose sizes are hashed; of larger folders only the names are."""


@dataclasses.dataclass(frozen=True)
class PathHash:
    """A file or folder: its name for messages, and a hash that changes with its content."""

    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} (sha256 {self.sha256[:12]})"


def hash_path(path: str | Path) -> PathHash:
    """Hash the bytes of a file, or of a folder the relative paths and sizes of all files below it.

    The files of a folder are not read, which would take longer than many runs; where there are more than MOST_SIZES,
    their sizes are left out as well. Hidden files and folders do not count. Of a path with nothing at it, such as the
    empty path of a generated set, the text is hashed. `fingerprint` reads the files, which takes a pass over the data.
    """
    if path and Path(path).is_file():
        return PathHash(str(path), checkpoint_sha256(path) or "")
    if not path or not Path(path).is_dir():
        return PathHash(str(path), _digest([path]))
    files = sorted(_files_below(Path(path)))
    sized = len(files) <= MOST_SIZES
    return PathHash(
        f"{path} with {len(files)} files",
        _digest((file, _size(os.path.join(path, file)) if sized else None) for file in files),
    )


def hash_together(paths: Iterable[PathHash], name: str) -> PathHash:
    """Return the hash of several paths in this order, called `name`; of a single path, its own."""
    paths = list(paths)
    return paths[0] if len(paths) == 1 else PathHash(name, _digest(path.sha256 for path in paths))


def _files_below(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = os.path.relpath(place, folder)
        yield from (os.path.join(inside, name) for name in files if not name.startswith("."))


def _size(file: str) -> int | None:
    try:
        return os.stat(file).st_size
    except OSError:  # a link to nothing
        return None


def _digest(values: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for value in values:
        digest.update(f"{value}\n".encode())
    return digest.hexdigest()
