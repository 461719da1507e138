"""The crops of a photo as a data source of VISSL: `DATA_SOURCES: [single_image]`."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import vissl.data
from PIL import Image
from torch import Tensor
from vissl.data.dataset_catalog import VisslDatasetCatalog

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, register_check, run_checks
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.crops.sample import TEST, TRAIN
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.photos.find import Entry
from vissl_monoimage.data.single_image import SingleImageCrops, check_source
from vissl_monoimage.errors import MonoImageError

NAME = "single_image"
SAME = "same_as_train"
_SPLITS = {"TRAIN": TRAIN, "TEST": TEST}


class SingleImageSource:
    """`SingleImageCrops` behind the constructor and the methods that VISSL calls.

    Args:
        cfg: VISSL's config, of which `cfg.MONOIMAGE.SOURCE` is read (see `SourceBlock`).
        data_source: the name VISSL knows this source by; not used.
        path: the DATA_PATHS entry, as `SingleImageCrops` takes photos; "same_as_train" in the test split stands for
            the photos of the training split.
        split: "TRAIN" or "TEST".
        dataset_name: as VISSL passes it; not used.

    Raises:
        MonoImageError: a bad photo, entry or recipe.
    """

    def __init__(self, cfg: Mapping[str, Any], data_source: str, path: Entry, split: str, dataset_name: str) -> None:
        settings = read_source_block(monoimage_block(cfg).get("SOURCE"))
        self.crops = SingleImageCrops(photos_of(cfg, path), settings, _SPLITS[split.upper()])

    def __len__(self) -> int:
        return len(self.crops)

    def num_samples(self) -> int:
        """Return the number of samples in this split."""
        return len(self.crops)

    def set_train_phase_idx(self, train_phase_idx: int) -> None:
        """Take the training epoch, which VISSL gives before every training phase."""
        self.crops.epoch = train_phase_idx

    def __getitem__(self, index: int) -> tuple[Image.Image | Tensor, bool]:
        """Return the crop, or its row where batches are rendered, and True, by which VISSL knows that it was read."""
        return self.crops.row(index) if self.crops.as_rows else self.crops[index], True


@register_check
def checkphotos_of(config: Settings) -> Iterator[str]:
    """Refuse photos, a recipe or a number of samples that single-image data cannot be made from."""
    yield from run_checks([functools.partial(_check_split, split) for split, _ in splits(config)], config)


def _check_split(split: str, config: Settings) -> Iterator[str]:
    where, data = f"config.DATA.{split}.DATA_PATHS", config["DATA"][split]
    for index, source in enumerate(data["DATA_SOURCES"]):
        if source != NAME or isinstance(data["DATA_PATHS"], str):  # a string is refused by the check of all data
            continue
        if index >= len(data["DATA_PATHS"]):
            yield f"{where} names no photo: give [photo.jpg], or [china] for the one that comes along"
            continue
        settings = read_source_block(monoimage_block(config).get("SOURCE"))
        check_source(photos_of(config, data["DATA_PATHS"][index]), settings, _SPLITS[split])


def photos_of(cfg: Mapping[str, Any], path: Entry) -> Entry:
    """Return a DATA_PATHS entry of single-image data, or the training split's where the entry is SAME.

    Raises:
        MonoImageError: the training split has no photo.
    """
    if path != SAME:
        return path
    train = cfg["DATA"]["TRAIN"]
    entries = [p for s, p in zip(train["DATA_SOURCES"], train["DATA_PATHS"], strict=False) if s == NAME]
    if not entries or SAME in entries:
        raise MonoImageError(f"DATA_PATHS '{SAME}' needs a photo in config.DATA.TRAIN.DATA_PATHS")
    return entries[0]


vissl.data.DATASET_SOURCE_MAP[NAME] = SingleImageSource
vissl.data.DATA_SOURCES_WITH_SUBSET_SUPPORT.add(NAME)
# VISSL looks labels up by the data set's name even where there are none: an entry without paths tells it so.
if not VisslDatasetCatalog.has_data(NAME):
    VisslDatasetCatalog.register_data(NAME, {"train": ["", ""], "val": ["", ""]})
