"""Whether the data of a configuration can be read: checked before anything starts, as all of `check`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import unknown

Settings = dict[str, Any]


def splits(config: Settings) -> Iterator[tuple[str, Settings]]:
    """The splits this run reads."""
    if not config["TEST_ONLY"]:
        yield "TRAIN", config["DATA"]["TRAIN"]
    if config["TEST_MODEL"]:
        yield "TEST", config["DATA"]["TEST"]


def data_problems(config: Settings) -> Iterator[str]:
    """What is wrong with the sources, names and folders of each split that is read, a sentence each."""
    from vissl.data import VisslDatasetCatalog

    for split, data in splits(config):
        where = f"config.DATA.{split}"
        paths, sources, names = data["DATA_PATHS"], data["DATA_SOURCES"], data["DATASET_NAMES"]
        if isinstance(paths, str):
            yield f"{where}.DATA_PATHS={paths} must be a list: [{paths}]"
            continue
        if len(names) != len(sources):
            yield f"{where}.DATASET_NAMES has {len(names)} names for {len(sources)} DATA_SOURCES"
        if paths and len(paths) != len(sources):
            yield (
                f"{where}.DATA_PATHS has {len(paths)} entries for {len(sources)} DATA_SOURCES; "
                "several photos of one source are written [[a.jpg,b.jpg]]"
            )
        for index, source in enumerate(sources):
            if paths:
                path = paths[min(index, len(paths) - 1)]
                if source.startswith(("disk_", "torchvision")) and not Path(path).exists():
                    yield f"{where}.DATA_PATHS: there is nothing at '{path}'"
                elif source == "disk_folder":
                    labelled = source in data["LABEL_SOURCES"]
                    yield from _folder_of_classes(f"{where}.DATA_PATHS", Path(path), config if labelled else None)
                elif source == "torchvision_dataset" and index < len(names):
                    yield from _unpacked(f"{where}.DATA_PATHS", Path(path), names[index])
            elif source != "synthetic" and index < len(names) and not VisslDatasetCatalog.has_data(names[index]):
                known = unknown(f"data set ({where}.DATASET_NAMES)", names[index], VisslDatasetCatalog.list())
                yield f"{known}; or say where it is with {where}.DATA_PATHS=[folder]"


def _folder_of_classes(where: str, folder: Path, labelled: Settings | None) -> Iterator[str]:
    """torchvision's ImageFolder, which VISSL's disk_folder is, wants a folder a class and an image in each.

    labelled: the config of a run that learns the classes.
    """
    from torchvision.datasets.folder import IMG_EXTENSIONS

    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    if not classes:
        yield f"{where}: '{folder}' must be a folder of <class>/<image>, and there is no folder of a class in it"
    for one in classes:
        if not any(file.suffix.lower() in IMG_EXTENSIONS for file in one.rglob("*")):
            yield f"{where}: there is no image in '{one}', the folder of a class"
    for head in labelled["MODEL"]["HEAD"]["PARAMS"] if labelled else []:
        known = head[1].get("num_classes") if len(head) == 2 and isinstance(head[1], dict) else None
        if known and len(classes) > known:
            told = f"{head[0]} (config.MODEL.HEAD.PARAMS) knows {known}"
            yield f"{where}: '{folder}' has {len(classes)} classes, and {told}"


def _unpacked(where: str, folder: Path, name: str) -> Iterator[str]:
    """torchvision finds its own files by the name of their folder."""
    from torchvision import datasets

    own = getattr(getattr(datasets, name, None), "base_folder", None)
    if own and not (folder / own).is_dir():
        yield f"{where}: there is no {own}/ in '{folder}', as torchvision unpacks {name}"
