"""The pyramids of a list of photos: shared by all worker processes where they fit, else a bounded cache."""

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
from vissl_monoimage.data.photos.decode import decode, quiet, read_bytes
from vissl_monoimage.data.photos.inspect import PhotoFile, in_threads, inspect_photos, take_decoded
from vissl_monoimage.errors import MonoImageError

CACHE_BYTES = 1 << 30
"""Pyramids in memory at a time. A photo takes 14 bytes a pixel: 67 MB at 2560x1920, 2.6 MB at 500x375."""
_SHARED_FOLDER = Path("/dev/shm")
_SHARED_RESERVE = 32 << 20

_log = logging.getLogger(__name__)
_told: set[tuple[Path, str]] = set()

Key = tuple[str, str]  # path and hash of a photo's file
# The train and the test split read the same photos: one pyramid serves both, and one cache all of a process.
_ALIVE: WeakValueDictionary[Key, Pyramid] = WeakValueDictionary()
_RECENT: OrderedDict[Key, Pyramid] = OrderedDict()


class PyramidStore:
    """`store[k]` is the pyramid of the k-th photo.

    Every file is read at the start, so that a bad one stops the run before it begins (`inspection`). Then

    - where all pyramids together take at most CACHE_BYTES, or there is but one photo (`all_kept`), they are made at
      once and shared with loader workers: forked ones see the parent's memory, for others pickling moves the
      pyramids into shared memory (where /dev/shm is too small for it, a worker decodes its own). A training process
      and its workers hold CACHE_BYTES at most, all together, for each split that has photos of its own.
    - else a photo is decoded when it is asked for, and each process keeps to itself the photos it used last, at most
      CACHE_BYTES and never fewer than one, beside the one being decoded: a training process without workers does so
      once, one with W workers W times, whatever the number of photos and splits. `order` keeps this cache warm.

    Raises:
        MonoImageError: photos that cannot be read or are too small for `recipe`; later, one that changed meanwhile.
    """

    def __init__(self, paths: Sequence[Path], recipe: Recipe) -> None:
        self.files = inspect_for(recipe, paths)
        _tell_notes(self.files)
        self._keys = [_key(file) for file in self.files]
        self.sizes = [pyramid_bytes(file.width, file.height) for file in self.files]
        self.cache_bytes = CACHE_BYTES
        self.all_kept = len(paths) == 1 or sum(self.sizes) <= self.cache_bytes
        self._kept: dict[int, Pyramid] = {}
        if self.all_kept:
            made = in_threads(lambda file: _prepare(file, recipe), self.files, "photos decoded")
            self._kept = dict(enumerate(made))

    @property
    def paths(self) -> list[Path]:
        """The files, in order."""
        return [file.path for file in self.files]

    @property
    def sha256(self) -> list[str]:
        """Their hashes."""
        return [file.sha256 for file in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> Pyramid:
        kept = self._kept.get(number)
        return kept if kept is not None else self._recent(number)

    def _recent(self, number: int) -> Pyramid:
        key = self._keys[number]
        pyramid = _RECENT.pop(key, None)
        if pyramid is None:
            room = self.cache_bytes - self.sizes[number]
            while _RECENT and sum(other.nbytes for other in _RECENT.values()) > room:
                _RECENT.popitem(last=False)
            with quiet():
                pyramid = _decode(self.files[number])
        _RECENT[key] = pyramid
        return pyramid

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": {n: pyramid for n, pyramid in self._kept.items() if _share(pyramid)}}


def inspect_for(recipe: Recipe, paths: Sequence[Path]) -> list[PhotoFile]:
    """Return what is known of the photos without decoding most of them.

    Raises:
        MonoImageError: photos that cannot be read or are too small for `recipe`, a line for each.
    """
    return inspect_photos(paths, lambda file: recipe.check_photo(str(file.path), file.width, file.height))


def _tell_notes(files: Sequence[PhotoFile]) -> None:
    for told in ((file.path, note) for file in files for note in file.notes):
        if told not in _told:
            _told.add(told)
            _log.warning(told[1])


def _key(file: PhotoFile) -> Key:
    return str(file.path.resolve()), file.sha256


def _prepare(file: PhotoFile, recipe: Recipe) -> Pyramid:
    pyramid = _ALIVE.get(_key(file))
    if pyramid is None:
        pyramid = _ALIVE[_key(file)] = _decode(file)
    pyramid.draw_down_to(recipe.coarsest(pyramid.width, pyramid.height))
    return pyramid


def _decode(file: PhotoFile) -> Pyramid:
    photo = take_decoded(file) or decode(file.path, read_bytes(file.path))
    if photo.sha256 != file.sha256:
        raise MonoImageError(f"{file.path} changed while it was in use")
    return Pyramid.build(photo.pixels)


def _share(pyramid: Pyramid) -> bool:
    """Move the pyramid into shared memory where there is room for it; whether it now lies there."""
    if not pyramid.flat.is_shared():
        needed = pyramid.nbytes + _SHARED_RESERVE
        if _SHARED_FOLDER.is_dir() and shutil.disk_usage(_SHARED_FOLDER).free < needed:
            return False
        pyramid.share()
    return True
