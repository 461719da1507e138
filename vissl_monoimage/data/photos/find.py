"""Which photos a name, a file, a folder or a list stands for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.errors import MonoImageError, nearest, unknown

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")

Entry = str | Path | Sequence["Entry"]


def find_photos(entry: Entry) -> list[Path]:
    """Return the photos that a DATA_PATHS entry stands for, in order.

    Args:
        entry: a name of the catalog, a photo, a folder (its photos at any depth, sorted by path), a .txt list (one
            entry a line, relative to the list; '#' starts a comment), or a list of these. A bare name is looked up in
            the catalog first: ./china is a file.

    Raises:
        MonoImageError: an unknown name (with the nearest match), or a place without photos.
    """
    if not isinstance(entry, (str, Path)):
        photos = [photo for part in entry for photo in find_photos(part)]
        if not photos:
            raise MonoImageError("DATA_PATHS has an empty list: give a name, a photo, a folder or a list")
        return photos
    if entry == "":
        raise MonoImageError("DATA_PATHS names no photo: give a name such as china, a photo, a folder or a list")
    if str(entry) in CATALOG:
        return [CATALOG[str(entry)].path]
    path = Path(entry).expanduser()
    if path.is_dir():
        return _photos_in(path)
    if path.is_file():
        return _photos_of_list(path) if path.suffix.lower() == ".txt" else [path]
    raise MonoImageError(_nothing_there(str(entry), path))


def find_one_photo(photo: str | Path) -> Path:
    """Return the one photo that a name or a file stands for.

    Raises:
        MonoImageError: as `find_photos`, and for a folder or list of several photos.
    """
    paths = find_photos(photo)
    if len(paths) > 1:
        raise MonoImageError(f"{photo} has {len(paths)} photos: name one, such as {paths[0]}")
    return paths[0]


def _photos_in(folder: Path) -> list[Path]:
    photos = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not photos:
        raise MonoImageError(f"folder {folder} has no photos ({', '.join(SUFFIXES)})")
    return photos


def _photos_of_list(file: Path) -> list[Path]:
    try:
        lines = [line.split("#")[0].strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise MonoImageError(f"list {file} cannot be read: {error}") from None
    entries = [line if line in CATALOG else file.parent / Path(line).expanduser() for line in lines if line]
    if not entries:
        raise MonoImageError(f"list {file} names no photos")
    return find_photos(entries)


def _nothing_there(entry: str, path: Path) -> str:
    looks_like_path = path.parent != Path(".") or path.suffix != ""
    if not looks_like_path:
        return unknown("photo", entry, CATALOG) + ", or a path"
    beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    close = nearest(path.name, beside)
    hint = f": did you mean '{path.parent / close}'?" if close else ""
    return f"there is no photo or folder {path}{hint}"
