"""Labelled images in folders, one a class, as torchvision's ImageFolder numbers them and as photos are read."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from vissl_monoimage.data.class_labels import folder_classes, spelled
from vissl_monoimage.data.labelled_folder import SPLITS
from vissl_monoimage.data.photos.decode import decode_image, read_bytes, reading
from vissl_monoimage.errors import MonoImageError, nearest

_SPLIT_NAMES = {name for names in SPLITS.values() for name in names}
_log = logging.getLogger(__name__)
_logged: set[str] = set()


class ClassImages(ImageFolder):
    """The images in FOLDER/<class>/, at any depth, as pairs of an upright RGB image of 8 bits and a label.

    Classes, labels and order are ImageFolder's: classes sorted by name, then images by path. Hidden files and folders
    are left out, and so are files without the suffix of an image.

    Args:
        folder: with a folder for each class.

    Raises:
        MonoImageError: there is no such folder, it has no classes or is one of splits, or a class has no images.
    """

    def __init__(self, folder: Path) -> None:
        with reading(folder):
            _check_classes(folder)
            is_image = functools.partial(_is_image, folder)
            super().__init__(str(folder), loader=read_class_image, is_valid_file=is_image, allow_empty=True)
        with_images = {label for _, label in self.samples}
        if empty := [name for name, label in self.class_to_idx.items() if label not in with_images]:
            raise MonoImageError(
                f"'{folder}' has classes without images ({', '.join(IMG_EXTENSIONS)}): {spelled(empty)}; "
                "add some, or remove their folders"
            )

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """Return the names of the classes, and the label of each."""
        names = _visible_classes(Path(directory))
        return names, {name: label for label, name in enumerate(names)}

    @property
    def paths(self) -> list[str]:
        """The path of each image, relative to the folder, with slashes."""
        return [Path(path).relative_to(self.root).as_posix() for path, _ in self.samples]


def read_class_image(path: str | Path) -> Image.Image:
    """Return the image in a file as upright RGB of 8 bits; what decoding changes is logged once for its kind.

    Raises:
        MonoImageError: the image cannot be read.
    """
    image, notes = decode_image(Path(path), read_bytes(Path(path)))
    log_once(Path(path), notes)
    return image


def log_once(path: Path, notes: list[str]) -> None:
    """Log what decoding has changed in the image `path`, where it was not said of another image."""
    for note in notes:
        kind = note.removeprefix(path.name)
        if kind not in _logged:
            _logged.add(kind)
            _log.warning("%s; not said again of others", note)


def _check_classes(folder: Path) -> None:
    if not folder.is_dir():
        beside = folder_classes(folder.parent) if folder.parent.is_dir() else []
        close = nearest(folder.name, beside)
        hint = f": did you mean '{folder.with_name(close)}'?" if close else ""
        raise MonoImageError(f"there is no folder '{folder}' of labelled images{hint}")
    names = _visible_classes(folder)
    if not names:
        raise MonoImageError(f"'{folder}' has no folders of classes: its images must be in {folder}/<class>/")
    if set(names) <= _SPLIT_NAMES:
        raise MonoImageError(
            f"'{folder}' has folders of splits, {spelled(names)}, and not of classes: name one, '{folder / names[0]}'"
        )


def _visible_classes(folder: Path) -> list[str]:
    return [name for name in folder_classes(folder) if not name.startswith(".")]


def _is_image(folder: Path, path: str) -> bool:
    parts = Path(path).relative_to(folder).parts
    return path.lower().endswith(IMG_EXTENSIONS) and not any(part.startswith(".") for part in parts)
