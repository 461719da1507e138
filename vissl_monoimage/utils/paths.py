"""Folders: those that come with the package, and whether one can be written."""

from __future__ import annotations

import os
from pathlib import Path

from vissl_monoimage.errors import MonoImageError

_PACKAGE = Path(__file__).parents[1]


def config_folder() -> Path:
    """Return the folder of our YAMLs, laid out as VISSL's `configs`."""
    return _data_folder("configs")


def benchmarks(part: str) -> Path:
    """Return the folder `part` of benchmarks/.

    Args:
        part: "grids", "reference" or "results".
    """
    return _data_folder("benchmarks") / part


def unwritable(folder: str | Path) -> str | None:
    """Return why no file can be written in `folder`, None where one can; it need not exist yet, and is not created."""
    path = Path(folder).expanduser().absolute()
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir():
        return f"'{path}' cannot be written: '{existing}' is a file"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"'{path}' cannot be written: no permission for '{existing}'"
    return None


def make_folder(folder: str | Path) -> Path:
    """Create `folder` with its parents, unless it exists, and return its path.

    Raises:
        MonoImageError: it cannot be created or written.
    """
    path = Path(folder).expanduser()
    problem = unwritable(path)
    if not problem:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"'{path}' cannot be written: {error.strerror}"
    if problem:
        raise MonoImageError(problem)
    return path


def _data_folder(name: str) -> Path:
    """Return a folder of data files: inside the installed package, or beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
