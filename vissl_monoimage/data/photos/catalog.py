"""The photos inside scikit-learn and scikit-image, by name.

Each lies inside a wheel, so that nothing is downloaded, and is freely licensed; show `credit` with it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from vissl_monoimage.errors import MonoImageError

_FOLDERS = {"sklearn": ("datasets/images", "scikit-learn"), "skimage": ("data", "scikit-image")}
_FREE = "public domain or no known copyright restrictions"


@dataclass(frozen=True)
class CatalogPhoto:
    """A photo inside an installed package.

    Attributes:
        name: what it is called on a command line or in DATA_PATHS.
        package: the package it lies in, as Python imports it.
        file: its file name there.
        licence: its licence.
        credit: the line to credit it with.
    """

    name: str
    package: str
    file: str
    licence: str
    credit: str

    @property
    def path_in_package(self) -> str:
        """The path below the folder of packages, equal on every machine: `sklearn/datasets/images/china.jpg`."""
        return f"{self.package}/{_FOLDERS[self.package][0]}/{self.file}"

    @property
    def path(self) -> Path:
        """The path of the file on this machine.

        Raises:
            MonoImageError: the package is not installed, or lacks the photo.
        """
        folder, distribution = _FOLDERS[self.package]
        spec = importlib.util.find_spec(self.package)
        locations = spec.submodule_search_locations if spec else None
        path = Path(locations[0], folder, self.file) if locations else None
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


def catalog_photo_at(path: Path) -> CatalogPhoto | None:
    """Return the photo of the catalog that `path` is the file of, None for any other file."""
    for photo in CATALOG.values():
        try:
            if photo.file == path.name and photo.path.samefile(path):
                return photo
        except (MonoImageError, OSError):
            continue
    return None
