"""The pyramids of a list of photos: shared by all worker processes if they fit into memory, else a bounded cache."""

from __future__ import annotations

import logging
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from vissl_monoimage.data.crops.pyramid import Pyramid, pyramid_bytes
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.photos.decode import decode, read_bytes, without_pillow_warnings
from vissl_monoimage.data.photos.inspect import PhotoFile, inspect_photos, map_in_threads, take_decoded
from vissl_monoimage.errors import MonoImageError

CACHE_BYTES = 1 << 30
"""Bytes of pyramids in memory at a time. A photo has up to 14 bytes a pixel: 67 MB at 2560x1920, 2.6 MB at 500x375."""
_SHARED_FOLDER = Path("/dev/shm")
_SHARED_RESERVE = 32 << 20

_log = logging.getLogger(__name__)
_logged_notes: set[tuple[Path, str]] = set()

Key = tuple[str, str]  # path and hash of a photo's file
# The train and the test split read the same photos: both share a pyramid, and all splits of a process one cache.
_IN_USE: WeakValueDictionary[Key, Pyramid] = WeakValueDictionary()
_RECENT: OrderedDict[Key, Pyramid] = OrderedDict()


class PyramidCache:
    """A sequence of pyramids, one for each photo.

    Every file is inspected when the cache is made, so that a bad one stops the run before it begins. There are two ways
    of holding the pyramids:

    - If all of them take at most CACHE_BYTES, or there is a single photo (`all_in_memory`), they are made at once and
      shared with loader workers. Forked workers see the memory of their parent; for others, pickling moves the pyramids
      into shared memory, and where /dev/shm is too small, a worker decodes its own. A training process and its workers
      together hold at most CACHE_BYTES for each split that has photos of its own.
    - Else a photo is decoded when it is asked for. Each process keeps the photos that it used last, at most CACHE_BYTES
      and at least one, beside the one being decoded. With W workers, W processes do so, whatever the number of photos
      and splits. The order of samples in `photo_order` makes that each photo is decoded once an epoch.

    Attributes:
        files: the photos as inspection found them.
        sizes: bytes of each pyramid.
        cache_bytes: the bound.
        all_in_memory: which of the two ways it is.

    Raises:
        MonoImageError: photos cannot be read or are too small for `recipe`; later, a photo has changed since.
    """

    def __init__(self, paths: Sequence[Path], recipe: Recipe) -> None:
        self.files = inspect_for(recipe, paths)
        _log_notes(self.files)
        self._keys = [_key(file) for file in self.files]
        self.sizes = [pyramid_bytes(file.width, file.height) for file in self.files]
        self.cache_bytes = CACHE_BYTES
        self.all_in_memory = len(paths) == 1 or sum(self.sizes) <= self.cache_bytes
        self._in_memory: dict[int, Pyramid] = {}
        if self.all_in_memory:
            pyramids = map_in_threads(lambda file: _prepare(file, recipe), self.files, "decoding photos")
            self._in_memory = dict(enumerate(pyramids))

    @property
    def paths(self) -> list[Path]:
        """The paths of the photos, in order."""
        return [file.path for file in self.files]

    @property
    def sha256(self) -> list[str]:
        """The SHA-256 of the photos' files, in order."""
        return [file.sha256 for file in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> Pyramid:
        pyramid = self._in_memory.get(number)
        return pyramid if pyramid is not None else self._recent(number)

    def _recent(self, number: int) -> Pyramid:
        key = self._keys[number]
        pyramid = _RECENT.pop(key, None)
        if pyramid is None:
            room = self.cache_bytes - self.sizes[number]
            while _RECENT and sum(other.nbytes for other in _RECENT.values()) > room:
                _RECENT.popitem(last=False)
            with without_pillow_warnings():
                pyramid = _decode(self.files[number])
        _RECENT[key] = pyramid
        return pyramid

    def __getstate__(self) -> dict[str, Any]:
        shared = {number: pyramid for number, pyramid in self._in_memory.items() if _share(pyramid)}
        return {**self.__dict__, "_in_memory": shared}


def inspect_for(recipe: Recipe, paths: Sequence[Path]) -> list[PhotoFile]:
    """Inspect photos that crops will be drawn from.

    Raises:
        MonoImageError: photos that cannot be read or are too small for `recipe`, a line for each.
    """
    return inspect_photos(paths, lambda file: recipe.check_photo(str(file.path), file.width, file.height))


def _log_notes(files: Sequence[PhotoFile]) -> None:
    """Log what decoding changes, once for each photo in this process."""
    for note in ((file.path, sentence) for file in files for sentence in file.notes):
        if note not in _logged_notes:
            _logged_notes.add(note)
            _log.warning(note[1])


def _key(file: PhotoFile) -> Key:
    return str(file.path.resolve()), file.sha256


def _prepare(file: PhotoFile, recipe: Recipe) -> Pyramid:
    """Return the pyramid of the photo, from whoever holds it already, with all levels that `recipe` reads."""
    pyramid = _IN_USE.get(_key(file))
    if pyramid is None:
        pyramid = _IN_USE[_key(file)] = _decode(file)
    size = pyramid.width, pyramid.height
    pyramid.make_levels(recipe.smallest_scale(*size), recipe.largest_scale(*size))
    return pyramid


def _decode(file: PhotoFile) -> Pyramid:
    photo = take_decoded(file) or decode(file.path, read_bytes(file.path))
    if photo.sha256 != file.sha256:
        raise MonoImageError(f"{file.path} changed while it was in use")
    return Pyramid.build(photo.pixels)


def _share(pyramid: Pyramid) -> bool:
    """Move the pyramid into shared memory if there is room, and return whether it lies there."""
    if not pyramid.flat.is_shared():
        needed = pyramid.nbytes + _SHARED_RESERVE
        if _SHARED_FOLDER.is_dir() and shutil.disk_usage(_SHARED_FOLDER).free < needed:
            return False
        pyramid.share()
    return True
