"""Where the images of a benchmark's cell come from, as files and arguments of this machine."""

from __future__ import annotations

import re
from pathlib import Path

from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.data.photos.find import find_one_photo
from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.init import NOISE
from vissl_monoimage.reproduce.cell import DATA_SETS, UNNAMED_PHOTO, Cell
from vissl_monoimage.reproduce.datasets import Inputs, find_split
from vissl_monoimage.reproduce.photos import PhotoList, SyntheticPhoto


def photo_of(cell: Cell, inputs: Inputs) -> tuple[str, str, str]:
    """Return the cell's only photo as it was named, its stem for names of folders, and the hash of its file.

    Raises:
        MonoImageError: the photo has a name, and none of that name is given.
    """
    name = cell.photo_name
    if name and name not in inputs.photos:
        raise MonoImageError(f"this benchmark needs the photo {name}: say where it is with --photo {name}=FILE")
    photo = inputs.photos[name] if name else inputs.photo if cell.source == UNNAMED_PHOTO else cell.source
    return photo, re.sub(r"\W+", "-", Path(photo).stem), file_sha256(find_one_photo(photo))


def prepared_photos(cell: Cell, seed: int, inputs: Inputs) -> PhotoList | SyntheticPhoto | None:
    """Return what is written before the run: images drawn from a data set with the seed, or a synthetic photo."""
    if cell.source in SYNTHETIC:
        return SyntheticPhoto(inputs.out / "photos" / f"{cell.source}.png")
    if not cell.images:
        return None
    kind, folder = find_split("TRAIN", cell.source, inputs)
    # torchvision orders the images in another way than files are: the same numbers are other images.
    unpacked = DATA_SETS[cell.source] if kind == "torchvision_dataset" else ""
    file = inputs.out / f"photos_{seed}" / f"{unpacked or cell.source}_{cell.images}.txt"  # one name for all seeds
    return PhotoList(file, folder, cell.images, seed, unpacked)


def init_images(cell: Cell, photos: PhotoList | SyntheticPhoto | None, inputs: Inputs) -> tuple[str, str, str]:
    """Return the images as `monoimage init` takes them, their name in that of the folder, and the hash of a photo."""
    if photos:
        return str(photos.file), cell.source, ""
    if cell.source in DATA_SETS:
        find_split("TRAIN", cell.source, inputs)
        return f"{cell.source}={inputs.data[cell.source]}", cell.source, ""
    return (cell.source, cell.source, "") if cell.source in ("", NOISE) else photo_of(cell, inputs)
