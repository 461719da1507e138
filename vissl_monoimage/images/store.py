"""The pyramids of a list of photos: decoded once, shared by all worker processes, bounded in memory."""

from __future__ import annotations

import logging
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.images.loading import load_photo
from vissl_monoimage.images.pyramid import Pyramid
from vissl_monoimage.images.recipe import Recipe

KEPT_BYTES = 1 << 30
"""Pyramids kept for good, and shared; a 2560x1920 photo takes 67 MB."""
RECENT_BYTES = 1 << 28
"""Beyond that, the most recently used ones a process keeps for itself (never fewer than one)."""
_SHARED_FOLDER = Path("/dev/shm")
_SHARED_RESERVE = 32 << 20

_log = logging.getLogger(__name__)


class PreparedPhoto:
    """A photo's pyramid and the SHA-256 of its file."""

    def __init__(self, path: Path, *, announce: bool = True) -> None:
        photo = load_photo(path)
        for note in photo.notes if announce else ():
            _log.warning(note)
        self.sha256 = photo.sha256
        self.pyramid = Pyramid.build(photo.pixels)


# The train and the test split read the same photo: one pyramid serves both.
_ALIVE: WeakValueDictionary[tuple[str, int, int], PreparedPhoto] = WeakValueDictionary()


def _prepare(path: Path) -> PreparedPhoto:
    try:
        status = path.stat()
    except OSError as error:
        raise MonoImageError(f"{path} cannot be read: {error.strerror}") from None
    key = str(path.resolve()), status.st_mtime_ns, status.st_size
    prepared = _ALIVE.get(key)
    if prepared is None:
        prepared = _ALIVE[key] = PreparedPhoto(path)
    return prepared


class PyramidStore:
    """`store[k]` is the pyramid of the k-th photo.

    Every photo is read once at the start, so that a bad one stops the run before it begins. What fits into
    `KEPT_BYTES` stays and is shared with workers: forked ones see the parent's memory, for others pickling
    moves the pyramids into shared memory (where /dev/shm is too small for it, a worker decodes its own).

    Raises:
        MonoImageError: a photo that cannot be read or is too small for `recipe`.
    """

    def __init__(self, paths: Sequence[Path], recipe: Recipe, kept_bytes: int = KEPT_BYTES) -> None:
        self.paths = list(paths)
        self.sha256: list[str] = []
        self._kept: dict[int, PreparedPhoto] = {}
        self._recent: OrderedDict[int, Pyramid] = OrderedDict()
        free = kept_bytes
        for number, path in enumerate(self.paths):
            prepared = _prepare(path)
            pyramid = prepared.pyramid
            recipe.check_photo(str(path), pyramid.width, pyramid.height)
            self.sha256.append(prepared.sha256)
            if pyramid.nbytes <= free:
                free -= pyramid.nbytes
                self._kept[number] = prepared

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Pyramid:
        kept = self._kept.get(number)
        return kept.pyramid if kept is not None else self._recently_used(number)

    def _recently_used(self, number: int) -> Pyramid:
        pyramid = self._recent.pop(number, None)
        if pyramid is None:
            prepared = PreparedPhoto(self.paths[number], announce=False)
            if prepared.sha256 != self.sha256[number]:
                raise MonoImageError(f"{self.paths[number]} changed while it was in use")
            pyramid = prepared.pyramid
        self._recent[number] = pyramid
        while len(self._recent) > 1 and sum(p.nbytes for p in self._recent.values()) > RECENT_BYTES:
            self._recent.popitem(last=False)
        return pyramid

    def __getstate__(self) -> dict[str, Any]:
        shared = {n: prepared for n, prepared in self._kept.items() if _share(prepared.pyramid)}
        return {**self.__dict__, "_kept": shared, "_recent": OrderedDict()}


def _share(pyramid: Pyramid) -> bool:
    """Move the pyramid into shared memory where there is room for it; whether it now lies there."""
    if not pyramid.flat.is_shared():
        needed = pyramid.nbytes + _SHARED_RESERVE
        if _SHARED_FOLDER.is_dir() and shutil.disk_usage(_SHARED_FOLDER).free < needed:
            return False
        pyramid.share()
    return True
