"""Small images of one size as one array, which a process can keep for all processes that it forks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vissl_monoimage.data.photos.decode import Pixels, decode_image, read_bytes
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.progress import track

MOST_BYTES = 2_000_000_000
"""Pixels of the largest array; CIFAR's training images take 0.15 GB, Tiny ImageNet's 1.2 GB."""


class _Kept(NamedTuple):
    pixels: Pixels
    versions: NDArray[np.int64]
    places: dict[str, int]


_kept: list[_Kept] = []


def keep_decoded(paths: Sequence[str]) -> None:
    """Decode image files now, so that `decoded_images` of them or some of them costs nothing, here and in forks.

    At most twice MOST_BYTES are kept: what was decoded first is dropped first.
    """
    while sum(kept.pixels.nbytes for kept in _kept) > MOST_BYTES:
        del _kept[0]
    versions = _versions(paths)
    pixels = None if versions is None else decoded_images(paths)
    if pixels is not None and versions is not None:
        _kept.append(_Kept(pixels, versions, {path: place for place, path in enumerate(paths)}))


def kept_images(paths: Sequence[str]) -> Pixels | None:
    """Return the pixels of image files as `decoded_images` does, None where these are not kept or were changed since.

    Callers must not change them.
    """
    for kept in _kept:
        places = [kept.places[path] for path in paths if path in kept.places]
        if len(places) == len(paths):
            unchanged = np.array_equal(_versions(paths), kept.versions[places])  # type: ignore[arg-type]
            in_order = places == list(range(len(kept.pixels)))
            return (kept.pixels if in_order else kept.pixels[places]) if unchanged else None
    return None


def decoded_images(paths: Sequence[str]) -> Pixels | None:
    """Return the pixels of image files, uint8 (files, height, width, 3), as `decode_image` gives each.

    Returns:
        None where the images have different sizes or more than MOST_BYTES, where one cannot be read, and where decoding
        notes something about one, which a run has to log.
    """
    first = _decode(paths[0]) if paths else None
    if first is None or first.nbytes * len(paths) > MOST_BYTES:
        return None
    pixels: Pixels = np.empty((len(paths), *first.shape), np.uint8)
    for index, path in enumerate(track(paths, "decoding images", unit="image")):
        image = _decode(path)
        if image is None or image.shape != first.shape:
            return None
        pixels[index] = image
    return pixels


def _decode(path: str) -> Pixels | None:
    file = Path(path)  # once: it takes as long as reading a small image
    try:
        image, notes = decode_image(file, read_bytes(file))
    except MonoImageError:
        return None
    return None if notes else np.asarray(image)


def _versions(paths: Sequence[str]) -> NDArray[np.int64] | None:
    """Return size and time of change of each file, (files, 2); None where one is missing."""
    try:
        statuses = [os.stat(path) for path in paths]
    except OSError:
        return None
    return np.array([(status.st_size, status.st_mtime_ns) for status in statuses], np.int64)
