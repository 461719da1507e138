"""Which photos: those inside scikit-learn and scikit-image, by name, and what a DATA_PATHS entry stands for.

Every named photo lies inside a wheel (nothing is downloaded) and is freely licensed; show `credit` with it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vissl_monoimage.errors import MonoImageError, nearest, unknown

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
_FOLDERS = {"sklearn": ("datasets/images", "scikit-learn"), "skimage": ("data", "scikit-image")}
_FREE = "public domain or no known copyright restrictions"


@dataclass(frozen=True)
class CatalogPhoto:
    """A photo inside an installed package: its licence and the line to credit it with."""

    name: str
    package: str
    file: str
    licence: str
    credit: str

    @property
    def inside(self) -> str:
        """Its path from where packages lie, the same on every machine: `sklearn/datasets/images/china.jpg`."""
        return f"{self.package}/{_FOLDERS[self.package][0]}/{self.file}"

    @property
    def path(self) -> Path:
        """Where it lies; MonoImageError where the package is not installed or lacks it."""
        folder, distribution = _FOLDERS[self.package]
        spec = importlib.util.find_spec(self.package)
        places = spec.submodule_search_locations if spec else None
        path = Path(places[0], folder, self.file) if places else None
        if path is None or not path.is_file():
            raise MonoImageError(f"photo '{self.name}' comes with {distribution}: pip install {distribution}")
        return path


CATALOG: dict[str, CatalogPhoto] = {
    photo.name: photo
    for photo in (
        CatalogPhoto("china", "sklearn", "china.jpg", "CC BY 2.0",
                     "Yiheyuan, China, by danielbuechele (flickr.com/photos/danielbuechele/6061409035)"),
        CatalogPhoto("flower", "sklearn", "flower.jpg", "CC BY 2.0",
                     "Dahlia, by vultilion (flickr.com/photos/vultilion/6056698931)"),
        CatalogPhoto("astronaut", "skimage", "astronaut.png", _FREE, "Eileen Collins, by NASA"),
        CatalogPhoto("coffee", "skimage", "coffee.png", "CC0", "Coffee cup, by Rachel Michetti"),
        CatalogPhoto("chelsea", "skimage", "chelsea.png", "CC0", "Chelsea the cat, by Stefan van der Walt"),
        CatalogPhoto("rocket", "skimage", "rocket.jpg", _FREE, "Falcon 9 carrying DSCOVR, by SpaceX"),
        CatalogPhoto("hubble", "skimage", "hubble_deep_field.jpg", _FREE, "Hubble Deep Field, by NASA"),
        CatalogPhoto("retina", "skimage", "retina.jpg", "CC0", "Fundus of a left eye, by Mikael Haggstrom"),
        CatalogPhoto("tissue", "skimage", "ihc.png", _FREE, "Colonic glands, immunohistochemistry, by CMMI"),
        CatalogPhoto("camera", "skimage", "camera.png", "CC0", "Photographer (grey), by Lav Varshney"),
        CatalogPhoto("coins", "skimage", "coins.png", _FREE, "Greek coins (grey), Brooklyn Museum"),
        CatalogPhoto("brick", "skimage", "brick.png", "CC0", "Brick wall (grey), CC0Textures"),
        CatalogPhoto("grass", "skimage", "grass.png", "CC0", "Grass (grey), by linolafett"),
        CatalogPhoto("gravel", "skimage", "gravel.png", "CC0", "Gravel (grey), CC0Textures"),
        CatalogPhoto("clock", "skimage", "clock_motion.png", _FREE, "Clock (grey), by Stefan van der Walt"),
        CatalogPhoto("cell", "skimage", "cell.png", "CC0", "Cell in saline (grey), by Paul Mueller"),
    )
}  # fmt: skip

Entry = str | Path | Sequence["Entry"]


def resolve(entry: Entry) -> list[Path]:
    """The photos a DATA_PATHS entry stands for, in order.

    A name of the catalog, a photo, a folder (its photos at any depth, by name), a .txt list (one entry a
    line, relative to the list; '#' starts a comment), or a list of these. A bare name is looked up in the
    catalog first: ./china is a file.

    Raises:
        MonoImageError: nothing there, nothing in it, or an unknown name (with the nearest match).
    """
    if not isinstance(entry, (str, Path)):
        photos = [photo for part in entry for photo in resolve(part)]
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


def resolve_one(photo: str | Path) -> Path:
    """The one photo that a name or a file stands for.

    Raises:
        MonoImageError: as `resolve`, and for a folder or list of several.
    """
    paths = resolve(photo)
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
    return resolve(entries)


def _nothing_there(entry: str, path: Path) -> str:
    looks_like_path = path.parent != Path(".") or path.suffix != ""
    if not looks_like_path:
        return unknown("photo", entry, CATALOG) + ", or a path"
    beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    close = nearest(path.name, beside)
    hint = f": did you mean '{path.parent / close}'?" if close else ""
    return f"there is no photo or folder {path}{hint}"


def of_catalog(path: Path) -> CatalogPhoto | None:
    """The catalog's photo at `path`, None for a photo of the user's own."""
    for photo in CATALOG.values():
        try:
            if photo.file == path.name and photo.path.samefile(path):
                return photo
        except (MonoImageError, OSError):
            continue
    return None
