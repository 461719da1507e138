"""Images of class folders and file lists, read as photos are: `DATA_SOURCES: [disk_folder]` and `[disk_filelist]`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import vissl.data
from iopath.common.file_io import g_pathmgr
from PIL import Image
from vissl.data.data_helper import get_mean_image
from vissl.data.disk_dataset import DiskImageDataset

from vissl_monoimage.compat.private_api import start_queues
from vissl_monoimage.data.class_images import log_once
from vissl_monoimage.data.image_list import read_image_list
from vissl_monoimage.data.photos.decode import decode_image, reading
from vissl_monoimage.data.unreadable import note_unreadable
from vissl_monoimage.errors import MonoImageError

_log = logging.getLogger(__name__)


class DiskImages(DiskImageDataset):
    """VISSL's data set with our reader: bit depth, orientation, transparency and colour profiles count.

    VISSL converts every image with Pillow's plain `convert("RGB")`, and shows the network a grey image in place of one
    that it cannot read. Here such an image stops the run, unless ENABLE_QUEUE_DATASET asks for a replacement, which
    is counted (`unreadable`). Ordinary images of 8 bits have the same bytes as in VISSL.
    """

    def _load_data(self, path: str) -> None:
        """Load what `image_dataset` is: VISSL's folder, or the paths of a list, read without running code from it.

        Raises:
            MonoImageError: the list cannot be read.
        """
        if self.data_source == "disk_filelist":
            self.image_dataset: Any = read_image_list(g_pathmgr.get_local_path(path))
        else:
            super()._load_data(path)

    def __getitem__(self, idx: int) -> tuple[Image.Image, bool]:
        """Return the image and whether it could be read.

        Raises:
            MonoImageError: the image cannot be read, and its replacement is not asked for.
        """
        if not self.enable_queue_dataset:
            return read_image(self.image_path(idx)), True
        start_queues(self)
        try:
            image = read_image(self.image_path(idx))
        except MonoImageError as error:
            _log.warning("replaced: %s", error)
            note_unreadable(self.cfg["CHECKPOINT"]["DIR"], self.split.lower(), self.image_path(idx))
            replacement, valid = self.on_failure()
            return replacement or get_mean_image(self._settings["DEFAULT_GRAY_IMG_SIZE"]), valid
        self.on_sucess(image)
        return image, True

    @property
    def _settings(self) -> Any:
        return self.cfg["DATA"][self.split]

    def image_path(self, index: int) -> str:
        """Return the path of an image, with REMOVE_IMG_PATH_PREFIX replaced in a list."""
        if self.data_source == "disk_folder":
            return str(self.image_dataset.samples[index][0])
        if not len(self.image_dataset):  # each worker reads the list itself, so that it is not pickled
            self.get_image_paths()
        return without_prefix(str(self.image_dataset[index]), self._settings)


def without_prefix(path: str, data: Mapping[str, Any]) -> str:
    """Return a path of a list with REMOVE_IMG_PATH_PREFIX replaced by NEW_IMG_PATH_PREFIX of its split's config."""
    prefix = data["REMOVE_IMG_PATH_PREFIX"]
    return data["NEW_IMG_PATH_PREFIX"] + path.removeprefix(prefix) if path.startswith(prefix) else path


def read_image(path: str) -> Image.Image:
    """Return the image at a path, or a URL that VISSL's path manager knows, as upright RGB of 8 bits.

    What decoding changes is logged for the first image of its kind.

    Raises:
        MonoImageError: the image cannot be read.
    """
    name = Path(path)
    with reading(name), g_pathmgr.open(path, "rb") as file:
        content = file.read()
    image, notes = decode_image(name, content)
    log_once(name, notes)
    return image


for name in ("disk_folder", "disk_filelist"):
    vissl.data.DATASET_SOURCE_MAP[name] = DiskImages
