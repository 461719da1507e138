"""What is known of many photos without decoding them: sizes, hashes, and whether each is whole.

A thousand JPEG files of five megapixels are read in seconds this way; decoding them takes minutes.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import torch

from vissl_monoimage.data.photos.decode import Photo, decode, frame_notes, naming, open_image, quiet, read_bytes
from vissl_monoimage.errors import MonoImageError

SECONDS_BETWEEN_LINES = 5.0
_MOST_THREADS = 8
_NAMED = 5  # bad photos told in a sentence each; the rest are counted
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)
_SCAN, _END = b"\xff\xda", b"\xff\xd9"  # JPEG's markers before its pixels and after them

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class PhotoFile:
    """width, height: px, upright; sha256: of the file; notes: what reading will change."""

    path: Path
    width: int
    height: int
    sha256: str
    notes: tuple[str, ...] = ()


# A run inspects its photos several times: in the check, and for each split.
_INSPECTED: dict[tuple[str, int, int], PhotoFile] = {}
# Photos that had to be decoded for it, the newest last: the run that follows the check takes them from here.
_DECODED: OrderedDict[str, Photo] = OrderedDict()
_DECODED_LOCK = threading.Lock()
_DECODED_BYTES = 256 << 20


def inspect_photos(paths: Sequence[Path], accept: Callable[[PhotoFile], None]) -> list[PhotoFile]:
    """Look at all photos; `accept` may raise MonoImageError on one that is not wanted.

    Raises:
        MonoImageError: a line for each of the first few bad photos, and how many more there are.
    """

    def look(path: Path) -> PhotoFile | MonoImageError:
        try:
            file = inspect_photo(path)
            accept(file)
        except MonoImageError as error:
            return error
        return file

    found = list(in_threads(look, paths, "photos checked"))
    bad = [str(one) for one in found if isinstance(one, MonoImageError)]
    if len(bad) > _NAMED:
        bad[_NAMED:] = [f"{len(bad) - _NAMED} more photos of {len(paths)} are refused"]
    if bad:
        raise MonoImageError("\n".join(bad))
    return [one for one in found if isinstance(one, PhotoFile)]


def inspect_photo(path: Path) -> PhotoFile:
    """Read the file; decode it only where its header does not tell all.

    A JPEG must have the marker of its end, a PNG right check sums: a truncated file has not. What only decoding
    finds, it finds when the photo is first used. Files of other kinds, and those with transparency or more than
    8 bits, are decoded.

    Raises:
        MonoImageError: as `loading.load_photo`.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise MonoImageError(f"{path} cannot be read: {error.strerror}") from None
    key = str(path.resolve()), status.st_mtime_ns, status.st_size
    if key not in _INSPECTED:
        _INSPECTED[key] = _inspect(path, read_bytes(path))
    return _INSPECTED[key]


def take_decoded(file: PhotoFile) -> Photo | None:
    """Return the photo if inspecting it meant decoding it, once: the caller keeps what it makes of the pixels."""
    with _DECODED_LOCK:
        return _DECODED.pop(file.sha256, None)


def _inspect(path: Path, content: bytes) -> PhotoFile:
    with naming(path):
        image = open_image(content)
        notes, size = frame_notes(path, image), image.size
        header_tells = image.mode in ("1", "L", "P", "RGB", "CMYK") and "transparency" not in image.info
        if header_tells and image.format in ("JPEG", "MPO") and content.rfind(_END) > content.rfind(_SCAN):
            size = size[::-1] if image.getexif().get(_ORIENTATION) in _SIDEWAYS else size
            return PhotoFile(path, *size, sha256(content).hexdigest(), tuple(notes))
        if header_tells and image.format == "PNG" and b"eXIf" not in content and b"tiff:Orientation" not in content:
            image.verify()
            return PhotoFile(path, *size, sha256(content).hexdigest(), tuple(notes))
    photo = decode(path, content)
    with _DECODED_LOCK:
        _DECODED[photo.sha256] = photo
        while sum(each.pixels.nbytes for each in _DECODED.values()) > _DECODED_BYTES:
            _DECODED.popitem(last=False)
    return PhotoFile(path, *photo.size, photo.sha256, tuple(photo.notes))


def in_threads(do: Callable[[Item], Result], items: Sequence[Item], what: str) -> Iterator[Result]:
    """`do` of each item, in order, on several cores (Pillow and hashing release Python's lock).

    Where it takes long, the primary rank says how far it is: "<what>: 312 of 1000".
    """
    primary = not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0
    last = time.monotonic()
    pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
    try:
        with quiet():
            for done, result in enumerate(pool.map(do, items), 1):
                yield result
                if primary and time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                    last = time.monotonic()
                    print(f"{what}: {done} of {len(items)}", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
