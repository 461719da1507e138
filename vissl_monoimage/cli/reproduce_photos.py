"""The option `--photo [NAME=]PHOTO` of `monoimage reproduce`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vissl_monoimage.errors import MonoImageError, unknown

if TYPE_CHECKING:
    from vissl_monoimage.reproduce.grid import Grid

DEFAULT = "china"


def read_photos(options: Sequence[str], grid: Grid) -> dict[str, str]:
    """Return the photo of each name, "" for the one without a name, as `monoimage run` takes it.

    Args:
        options: the values of all `--photo`.
        grid: the whole benchmark: a photo of cells that are not chosen this time is no mistake.

    Raises:
        MonoImageError: a photo that the benchmark does not use, two of one name, or a file that is not a photo.
    """
    photos: dict[str, str] = {}
    for option in options:
        name, photo = _split(option)
        if name in photos:
            which = f"photo '{name}'" if name else "photo without a name"
            raise MonoImageError(f"--photo {option}: the {which} is given twice")
        photos[name] = photo
    for name in photos:
        _check_name(name, photos[name], grid)
    return {name: _checked_photo(photo) for name, photo in ({"": DEFAULT} | photos).items()}


def _split(option: str) -> tuple[str, str]:
    """Return the name, "" for none, and the photo of `--photo [NAME=]PHOTO`."""
    match = None if Path(option).exists() else re.fullmatch(r"(\w[\w-]*)=(.+)", option)
    return (match[1], match[2]) if match else ("", option)


def _check_name(name: str, photo: str, grid: Grid) -> None:
    if name in grid.photos or (not name and grid.uses_unnamed_photo):
        return
    if not name:
        valid = f"name one of {', '.join(grid.photos)} with NAME=PHOTO" if grid.photos else "it needs none"
        raise MonoImageError(f"--photo {photo}: benchmark {grid.name} has no cell with a photo without a name: {valid}")
    option = f"--photo {name}={photo}: "
    if grid.photos:
        raise MonoImageError(option + unknown("photo", name, grid.photos))
    raise MonoImageError(f"{option}benchmark {grid.name} has no photos with names: leave out '{name}='")


def _checked_photo(photo: str) -> str:
    """Return a name of the catalog, or the path of the photo; refuse a broken one now, before every run would."""
    from vissl_monoimage.data.photos.catalog import CATALOG
    from vissl_monoimage.data.photos.decode import load_photo
    from vissl_monoimage.data.photos.find import find_one_photo

    path = find_one_photo(photo).resolve()
    load_photo(path)
    return photo if photo in CATALOG else str(path)
