"""Which photos a name, a file, a folder or a list stands for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import reading
from vissl_monoimage.data.photos.folder import photos_in
from vissl_monoimage.data.photos.list_file import read_list
from vissl_monoimage.errors import MonoImageError, nearest, unknown

Entry = str | Path | Sequence["Entry"]


def find_photos(entry: Entry) -> list[Path]:
    """Return the photos that a DATA_PATHS entry stands for, in order.

    Args:
        entry: a name of the catalog, a photo, a folder (its photos at any depth, sorted by path), a .txt list (one
            entry a line, relative to the list, with comments behind '#'), or a list of these. A bare name is looked up
            in the catalog first: ./china is a file.

    Raises:
        MonoImageError: an unknown name (with the nearest match), or a place without photos.
    """
    return _find(entry, ())


def find_one_photo(photo: str | Path) -> Path:
    """Return the one photo that a name or a file stands for.

    Raises:
        MonoImageError: as `find_photos`, and for a folder or list of several photos.
    """
    paths = find_photos(photo)
    if len(paths) > 1:
        raise MonoImageError(f"{photo} has {len(paths)} photos: name one, such as {paths[0]}")
    return paths[0]


def _find(entry: Entry, inside: tuple[Path, ...]) -> list[Path]:
    """Return the photos of an entry; `inside` are the lists that led to it."""
    if isinstance(entry, list | tuple):
        photos = [photo for part in entry for photo in _find(part, inside)]
        if not photos:
            raise MonoImageError("DATA_PATHS has an empty list: give a name, a photo, a folder or a list")
        return photos
    if not isinstance(entry, str | Path):
        raise MonoImageError(f"DATA_PATHS has {entry!r}: an entry must be a name, a photo, a folder or a list")
    if entry == "":
        raise MonoImageError("DATA_PATHS names no photo: give a name such as china, a photo, a folder or a list")
    if str(entry) in CATALOG:
        return [CATALOG[str(entry)].path]
    path = Path(entry).expanduser()
    with reading(path):
        is_folder, is_file = path.is_dir(), path.is_file()
    if is_folder:
        return photos_in(path)
    if not is_file:
        raise MonoImageError(_not_found(str(entry), path))
    return _photos_of_list(path, inside) if path.suffix.lower() == ".txt" else [path]


def _photos_of_list(file: Path, inside: tuple[Path, ...]) -> list[Path]:
    resolved = file.resolve()
    if resolved in inside:
        raise MonoImageError(f"list {file} names itself, through {inside[-1].name}")
    photos: list[Path] = []
    for line, entry in read_list(file):
        try:
            photos += _find(entry, (*inside, resolved))
        except MonoImageError as error:
            raise MonoImageError(f"list {file}, line {line}: {error}") from None
    if not photos:
        raise MonoImageError(f"list {file} names no photos")
    return photos


def _not_found(entry: str, path: Path) -> str:
    looks_like_path = path.parent != Path(".") or path.suffix != ""
    if not looks_like_path:
        return unknown("photo", entry, CATALOG) + ", or a path"
    siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    close = nearest(path.name, siblings)
    hint = f": did you mean '{path.parent / close}'?" if close else ""
    return f"there is no photo or folder {path}{hint}"
