"""The photo patches as a labelled data source of VISSL: `DATA_SOURCES: [photo_patches]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.config.schema import read_block
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.photo_patches import PHOTOS, WHERE, PatchesConfig, PhotoPatches
from vissl_monoimage.data.photos.find import find_photos

NAME = "photo_patches"


class PhotoPatchesSource:
    """`PhotoPatches` behind the constructor and the methods that VISSL calls.

    Args:
        cfg: VISSL's config, of which `cfg.MONOIMAGE.PATCHES` is read (see `PatchesConfig`).
        data_source: the name VISSL knows this source by; not used.
        path: the DATA_PATHS entry; not used.
        split: "TRAIN" or "TEST".
        dataset_name: as VISSL passes it; not used.

    Raises:
        MonoImageError: a bad value, or a package with the photos is not installed.
    """

    def __init__(self, cfg: Mapping[str, Any], data_source: str, path: Any, split: str, dataset_name: str) -> None:
        config = read_block(PatchesConfig, monoimage_block(cfg).get("PATCHES"), WHERE)
        self.patches = PhotoPatches(config, train=split.upper() == "TRAIN")

    def __len__(self) -> int:
        return len(self.patches)

    def num_samples(self) -> int:
        """Return the number of patches in this split."""
        return len(self.patches)

    def get_labels(self) -> list[int]:
        """Return the labels, which VISSL asks for with `LABEL_SOURCES: [torchvision_dataset]`."""
        return self.patches.labels()

    def __getitem__(self, index: int) -> tuple[Image.Image, bool]:
        """Return the patch and True, by which VISSL knows that it could be read."""
        return self.patches[index], True


@register_check
def check_patches(config: Settings) -> list[str]:
    """Refuse bad values in `config.MONOIMAGE.PATCHES`, and photos whose package is not installed."""
    if any(NAME in data["DATA_SOURCES"] for _, data in splits(config)):
        read_block(PatchesConfig, monoimage_block(config).get("PATCHES"), WHERE)
        find_photos(PHOTOS)
    return []


DATASET_SOURCE_MAP[NAME] = PhotoPatchesSource
DATA_SOURCES_WITH_SUBSET_SUPPORT.add(NAME)
