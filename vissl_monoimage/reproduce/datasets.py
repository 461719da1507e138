"""Where photo and data sets are on this machine, and the overrides that read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.data import labelled_folder
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.reproduce.cell import DATA_SETS


@dataclass(frozen=True)
class Inputs:
    """What the machine has.

    Attributes:
        photo: a photo's path, or its name in the catalog.
        data: the folder of each data set.
        out: where runs go.
        gpu: whether they run on the machine's GPU.
        photos: photos by name, each as `photo`.
    """

    photo: str
    data: dict[str, Path]
    out: Path
    gpu: bool = False
    photos: dict[str, str] = field(default_factory=dict)


def folder_overrides(split: str, data: str, inputs: Inputs, labels: bool) -> Iterator[str]:
    """Yield the overrides that read `split` ("TRAIN", "TEST") of a data set.

    Raises:
        MonoImageError: the folder of the data set is not given, or has no images of the split.
    """
    source, folder = find_split(split, data, inputs)
    yield f"config.DATA.{split}.DATA_SOURCES=[{source}]"
    yield f"config.DATA.{split}.DATASET_NAMES=[{DATA_SETS[data] if source != 'disk_folder' else data}]"
    yield f"config.DATA.{split}.DATA_PATHS=[{quoted(folder)}]"
    yield f"config.DATA.{split}.LABEL_SOURCES=[{source if labels else ''}]"


def find_split(split: str, data: str, inputs: Inputs) -> tuple[str, Path]:
    """Return VISSL's source for a split and its folder: torchvision's files, or {train,test}/<class>/ with images.

    Raises:
        MonoImageError: as `folder_overrides`.
    """
    if data not in inputs.data:
        raise MonoImageError(f"this benchmark needs {data}: say where it is with --data {data}=FOLDER")
    try:
        kind, folder = labelled_folder.find_split(data, inputs.data[data], split)
    except MonoImageError as error:
        raise MonoImageError(f"--data {error}") from None
    return "torchvision_dataset" if kind else "disk_folder", folder
