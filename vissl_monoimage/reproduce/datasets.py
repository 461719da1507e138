"""Where photo and data sets are on this machine, and the overrides that read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.reproduce.cell import DATA_SETS

TORCHVISION = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
SPLITS = {"TRAIN": ("train",), "TEST": ("test", "val")}


@dataclass(frozen=True)
class Inputs:
    """What the machine has: a photo, the folders of data sets, where runs go, whether they run on its GPU."""

    photo: str
    data: dict[str, Path]
    out: Path
    gpu: bool = False


def from_folder(split: str, data: str, inputs: Inputs, labels: bool) -> Iterator[str]:
    """Overrides that read a split of a data set; MonoImageError where its folder is not given or not one."""
    source, where = split_of(split, data, inputs)
    yield f"config.DATA.{split}.DATA_SOURCES=[{source}]"
    yield f"config.DATA.{split}.DATASET_NAMES=[{DATA_SETS[data] if source != 'disk_folder' else data}]"
    yield f"config.DATA.{split}.DATA_PATHS=[{quoted(where)}]"
    yield f"config.DATA.{split}.LABEL_SOURCES=[{source if labels else ''}]"


def split_of(split: str, data: str, inputs: Inputs) -> tuple[str, Path]:
    """VISSL's source for a split, and its folder: torchvision's unpacked files, or {train,test}/<class>/ of images."""
    if data not in inputs.data:
        raise MonoImageError(f"this benchmark needs {data}: say where it is with --data {data}=FOLDER")
    root = inputs.data[data]
    if data in TORCHVISION and (root / TORCHVISION[data]).is_dir():
        return "torchvision_dataset", root
    where = next((root / name for name in SPLITS[split] if (root / name).is_dir()), None)
    if where is None:
        unpacked = f"{TORCHVISION[data]}/ or " if data in TORCHVISION else ""
        raise MonoImageError(f"--data {data}={root}: no {unpacked}{' or '.join(SPLITS[split])}/<class>/ in that folder")
    return "disk_folder", where
