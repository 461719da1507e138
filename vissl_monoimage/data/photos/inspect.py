"""Sizes, hashes and defects of many photos, most of them not decoded.

A thousand JPEG files of five megapixels are inspected in seconds; decoding them takes minutes.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from vissl_monoimage.data.photos.bit_depth import is_deep
from vissl_monoimage.data.photos.colour_profile import profile_note
from vissl_monoimage.data.photos.decode import (
    Photo,
    decode,
    frame_notes,
    naming,
    open_image,
    read_bytes,
    without_pillow_warnings,
)
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.progress import track

_MOST_THREADS = 8
_MOST_NAMED = 5  # bad photos with a sentence each; more are counted
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)
_SCAN, _END = b"\xff\xda", b"\xff\xd9"  # JPEG's markers before its pixels and after them

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class PhotoFile:
    """A photo as inspection finds it.

    Attributes:
        path: where it is.
        width: px, of the upright photo.
        height: px, of the upright photo.
        sha256: hash of the file.
        notes: sentences that say what decoding changes.
    """

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
    """Inspect all photos; `accept` raises MonoImageError on one that is not wanted.

    Raises:
        MonoImageError: a line for each of the first few bad photos, and how many more there are.
    """

    def inspect(path: Path) -> PhotoFile | MonoImageError:
        try:
            file = inspect_photo(path)
            accept(file)
        except MonoImageError as error:
            return error
        return file

    results = list(map_in_threads(inspect, paths, "checking photos"))
    problems = [str(result) for result in results if isinstance(result, MonoImageError)]
    if len(problems) > _MOST_NAMED:
        problems[_MOST_NAMED:] = [f"{len(problems) - _MOST_NAMED} more photos of {len(paths)} are refused"]
    if problems:
        raise MonoImageError("\n".join(problems))
    return [result for result in results if isinstance(result, PhotoFile)]


def inspect_photo(path: Path) -> PhotoFile:
    """Read the file, and decode it only where its header does not say everything.

    A JPEG must have its end marker and a PNG right check sums, which a truncated file has not; other damage shows when
    the photo is first decoded. Files of other formats, and those with transparency or more than 8 bits, are decoded.

    Raises:
        MonoImageError: as `decode.load_photo`.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise MonoImageError(f"{path} cannot be read: {error.strerror}") from None
    key = str(path.resolve()), status.st_mtime_ns, status.st_size
    if key not in _INSPECTED:
        _INSPECTED[key] = _inspect(path, read_bytes(path))
    return dataclasses.replace(_INSPECTED[key], path=path)


def take_decoded(file: PhotoFile) -> Photo | None:
    """Return the photo, once, if inspecting it meant decoding it."""
    with _DECODED_LOCK:
        return _DECODED.pop(file.sha256, None)


def _inspect(path: Path, content: bytes) -> PhotoFile:
    with naming(path):
        image = open_image(content)
        notes, size = [*frame_notes(path, image), *profile_note(image, path.name)], image.size
        shallow = image.mode in ("1", "L", "P", "RGB", "CMYK") and not is_deep(image)
        header_is_enough = shallow and "transparency" not in image.info
        if header_is_enough and image.format in ("JPEG", "MPO") and content.rfind(_END) > content.rfind(_SCAN):
            size = size[::-1] if image.getexif().get(_ORIENTATION) in _SIDEWAYS else size
            return PhotoFile(path, *size, sha256(content).hexdigest(), tuple(notes))
        if header_is_enough and image.format == "PNG" and b"eXIf" not in content and b"tiff:Orientation" not in content:
            image.verify()
            return PhotoFile(path, *size, sha256(content).hexdigest(), tuple(notes))
    photo = decode(path, content)
    _keep_decoded(photo)
    return PhotoFile(path, *photo.size, photo.sha256, tuple(photo.notes))


def _keep_decoded(photo: Photo) -> None:
    with _DECODED_LOCK:
        _DECODED[photo.sha256] = photo
        while sum(kept.pixels.nbytes for kept in _DECODED.values()) > _DECODED_BYTES:
            _DECODED.popitem(last=False)


def map_in_threads(function: Callable[[Item], Result], items: Sequence[Item], what: str) -> Iterator[Result]:
    """Yield `function` of each item, in order, from several threads: Pillow and hashing release Python's lock.

    Args:
        function: called without Pillow's warnings.
        items: photos.
        what: the work, for a line or bar of its progress.
    """
    pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
    try:
        with without_pillow_warnings():
            yield from track(pool.map(function, items), what, "photo", len(items))
    finally:
        pool.shutdown(cancel_futures=True)
