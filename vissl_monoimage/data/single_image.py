"""The single-image data source of VISSL, `DATA_SOURCES: [single_image]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import vissl.data
from PIL import Image
from vissl.data.dataset_catalog import VisslDatasetCatalog

from vissl_monoimage.config.access import monoimage_block
from vissl_monoimage.data.crops.recipe import WHERE, read_source_block
from vissl_monoimage.data.crops.sample import TEST, TRAIN, sample
from vissl_monoimage.data.photos.cache import PyramidStore
from vissl_monoimage.data.photos.catalog import Entry, resolve
from vissl_monoimage.errors import MonoImageError

NAME = "single_image"
SAME = "same_as_train"
_SPLITS = {"TRAIN": TRAIN, "TEST": TEST}


class SingleImageSource:
    """d samples from N photos, none stored: sample i is a pure function of (photo, recipe, seed, split, i).

    Which sample is what: see `samples.sample`. With FRESH, the augmentations of the training split are drawn
    anew every epoch; else they are the same in all epochs.

    Args:
        cfg: VISSL's config; `cfg.MONOIMAGE.SOURCE` is read (`recipe.SourceBlock`), absent means all defaults.
        path: the DATA_PATHS entry: a catalog name, a photo, a folder, a .txt list, or a list of these;
            "same_as_train" in the test split: what the training split reads.
        split: "TRAIN" or "TEST".
        data_source, dataset_name: as VISSL passes them; not used.

    Raises:
        MonoImageError: a bad photo, entry or recipe.
    """

    def __init__(self, cfg: Mapping[str, Any], data_source: str, path: Entry, split: str, dataset_name: str) -> None:
        block = read_source_block(monoimage_block(cfg).get("SOURCE"))
        self.recipe = block.recipe()
        self.split = split.upper()
        self._seed, self._fresh = block.SEED, block.FRESH and self.split == "TRAIN"
        self._length = block.NUM_SAMPLES if self.split == "TRAIN" else block.TEST_SAMPLES
        self._epoch = 0
        self.photos = PyramidStore(resolve(_entry(cfg, path)), self.recipe)
        if self.split == "TRAIN" and self._length < len(self.photos):
            raise MonoImageError(f"{WHERE}.NUM_SAMPLES={self._length} must be at least {len(self.photos)}, one a photo")

    def __len__(self) -> int:
        return self._length

    def num_samples(self) -> int:
        """Samples of this split."""
        return self._length

    def set_train_phase_idx(self, train_phase_idx: int) -> None:
        """VISSL calls this before every training phase."""
        self._epoch = train_phase_idx

    def __getitem__(self, index: int) -> tuple[Image.Image, bool]:
        """(RGB image of SIZE squared, True): the second says that reading succeeded, in VISSL's manner."""
        if not 0 <= index < self._length:
            raise IndexError(f"sample {index} of {self._length}")
        epoch = self._epoch if self._fresh else 0
        return sample(self.photos, self.recipe, index, seed=self._seed, split=_SPLITS[self.split], epoch=epoch), True


def _entry(cfg: Mapping[str, Any], path: Entry) -> Entry:
    """`path`, or the training split's entry where it is SAME."""
    if path != SAME:
        return path
    train = cfg["DATA"]["TRAIN"]
    entries = [p for s, p in zip(train["DATA_SOURCES"], train["DATA_PATHS"], strict=False) if s == NAME]
    if not entries or SAME in entries:
        raise MonoImageError(f"DATA_PATHS '{SAME}' needs a photo in config.DATA.TRAIN.DATA_PATHS")
    return entries[0]


vissl.data.DATASET_SOURCE_MAP[NAME] = SingleImageSource
vissl.data.DATA_SOURCES_WITH_SUBSET_SUPPORT.add(NAME)
# VISSL looks labels up by the dataset's name even without labels: an entry without paths says there are none.
if not VisslDatasetCatalog.has_data(NAME):
    VisslDatasetCatalog.register_data(NAME, {"train": ["", ""], "val": ["", ""]})
