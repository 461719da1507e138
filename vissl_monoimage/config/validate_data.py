"""The data sets that a configuration names: whether they exist and have the layout that their source reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.errors import unknown

_NO_CLASSES = (".", "@eaDir", "__MACOSX")
"""How folders that programs leave among others begin: .ipynb_checkpoints, .git, thumbnails, unpacked archives."""


def splits(config: Settings) -> Iterator[tuple[str, Settings]]:
    """Yield ("TRAIN" or "TEST", its part of config.DATA) for each split that the run reads."""
    if not config["TEST_ONLY"]:
        yield "TRAIN", config["DATA"]["TRAIN"]
    if config["TEST_MODEL"]:
        yield "TEST", config["DATA"]["TEST"]


def check_data(config: Settings) -> Iterator[str]:
    """Refuse paths, names and sources of a split that do not belong together or are not there."""
    for split, data in splits(config):
        where = f"config.DATA.{split}"
        paths, sources, names = data["DATA_PATHS"], data["DATA_SOURCES"], data["DATASET_NAMES"]
        if len(names) != len(sources):
            yield f"{where}.DATASET_NAMES has {len(names)} names for {len(sources)} DATA_SOURCES"
        if paths and len(paths) != len(sources):
            yield (
                f"{where}.DATA_PATHS has {len(paths)} entries for {len(sources)} DATA_SOURCES; "
                "several photos of one source are written [[a.jpg,b.jpg]]"
            )
        for index, source in enumerate(sources):
            name = names[index] if index < len(names) else ""
            if paths:
                yield from _missing_files(config, split, source, paths[min(index, len(paths) - 1)], name)
            elif source != "synthetic" and name:
                yield from _not_in_catalog(where, name)


def _missing_files(config: Settings, split: str, source: str, path: str, name: str) -> Iterator[str]:
    """Yield what is missing at `path`, from which `source` reads the data set `name`."""
    if not source.startswith(("disk_", "torchvision")):
        return
    where, folder = f"config.DATA.{split}.DATA_PATHS", Path(path)
    if not folder.exists():
        yield f"{where}: there is nothing at '{path}'"
    elif source == "disk_folder":
        yield from _folder_of_classes(where, folder)
    elif source == "torchvision_dataset" and name:
        yield from _unpacked(where, folder, name)


def _not_in_catalog(where: str, name: str) -> Iterator[str]:
    from vissl.data import VisslDatasetCatalog

    if not VisslDatasetCatalog.has_data(name):
        problem = unknown(f"data set ({where}.DATASET_NAMES)", name, VisslDatasetCatalog.list())
        yield f"{problem}; or say where it is with {where}.DATA_PATHS=[folder]"


def _folder_of_classes(where: str, folder: Path) -> Iterator[str]:
    """Yield what torchvision's ImageFolder, which VISSL's disk_folder is, would not take, or would take for a class."""
    from torchvision.datasets.folder import IMG_EXTENSIONS

    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    if not classes:
        yield f"{where}: '{folder}' must be a folder of <class>/<image>, and there is no folder of a class in it"
    for path in classes:
        if path.name.startswith(_NO_CLASSES):
            yield f"{where}: '{path}' would count as a class: remove it"
        elif not any(file.suffix.lower() in IMG_EXTENSIONS for file in path.rglob("*")):
            yield f"{where}: there is no image in '{path}', the folder of a class"


def _unpacked(where: str, folder: Path, name: str) -> Iterator[str]:
    """Yield the folder that torchvision unpacks `name` into, where it is missing: it finds its files by that name."""
    from torchvision import datasets

    own = getattr(getattr(datasets, name, None), "base_folder", None)
    if own and not (folder / own).is_dir():
        yield f"{where}: there is no {own}/ in '{folder}', as torchvision unpacks {name}"
