"""Decode one photo: any file that Pillow opens by itself becomes RGB bytes, or one sentence says why not."""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vissl_monoimage.data.photos.bands import copy_pixels
from vissl_monoimage.data.photos.formats import photo_formats
from vissl_monoimage.data.photos.to_rgb import to_rgb
from vissl_monoimage.errors import MonoImageError

Pixels = NDArray[np.uint8]
"""RGB unless said otherwise: (height, width, 3)."""

MOST_PIXELS = 120_000_000
"""A file with more pixels is refused: a few kilobytes may unpack to gigabytes."""
_LARGE = 12_000_000
"""px: of photos above it, one is decoded at a time, however many threads there are."""
_ONE_LARGE = threading.Lock()

# What Pillow's readers of formats raise on damaged files.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, struct.error, zlib.error, MemoryError),
    *(TypeError, ArithmeticError, AttributeError, AssertionError, RuntimeError),
)


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        path: where it is.
        pixels: uint8 (height, width, 3), RGB, upright.
        sha256: hash of the file.
        notes: sentences that say what decoding changed.
    """

    path: Path
    pixels: Pixels
    sha256: str
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.pixels.shape[1], self.pixels.shape[0]


def load_photo(path: str | Path) -> Photo:
    """Read a photo of any mode as RGB bytes.

    Grey, palettes, CMYK and 16 bits are converted, transparent parts are laid over white, a photo rotated by its EXIF
    data is turned upright, and of an animation the first frame is taken.

    Raises:
        MonoImageError: the file cannot be read, is no image, is truncated, or is a decompression bomb.
    """
    path = Path(path)
    with without_pillow_warnings():
        return decode(path, read_bytes(path))


def decode(path: Path, content: bytes) -> Photo:
    """Return the photo in `content`, the bytes of the file `path`, as `load_photo` does."""
    image, notes = decode_image(path, content)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    copy_pixels(image, pixels)
    return Photo(path, pixels, hashlib.sha256(content).hexdigest(), notes)


def decode_image(path: Path, content: bytes) -> tuple[Image.Image, list[str]]:
    """Return `content`, the bytes of the file `path`, as an upright RGB image, and notes on what decoding changed.

    Raises:
        MonoImageError: as `load_photo`.
    """
    with naming(path):
        image = open_image(content)
        notes = frame_notes(path, image)
        with _ONE_LARGE if image.width * image.height > _LARGE else nullcontext():
            return to_rgb(image, content, path.name, notes), notes


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Silence Pillow's warnings of large photos and odd metadata; what matters raises. Not for use inside threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what Pillow raises on a bad file into a MonoImageError that names the file."""
    try:
        yield
    except UnidentifiedImageError:
        raise MonoImageError(f"{path} is not an image that Pillow can read") from None
    except Image.DecompressionBombError:
        raise MonoImageError(
            f"{path} unpacks to more than {MOST_PIXELS // 1_000_000} megapixels "
            "(a decompression bomb?): make it smaller"
        ) from None
    except _BROKEN as error:
        raise MonoImageError(f"{path} is truncated or damaged: {' '.join(str(error).split())}") from None


def open_image(content: bytes) -> Image.Image:
    """Return the image in `content` with its header read and its pixels not yet decoded."""
    image = Image.open(io.BytesIO(content), formats=photo_formats())
    if image.width * image.height > MOST_PIXELS:
        raise Image.DecompressionBombError
    return image


def frame_notes(path: Path, image: Image.Image) -> list[str]:
    """Return the note on an image with several frames."""
    frames = getattr(image, "n_frames", 1)
    return [f"{path.name} has {frames} frames: the first is used"] if frames > 1 else []


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        MonoImageError: saying why it cannot be read.
    """
    with reading(path):
        return path.read_bytes()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of reading a file into a MonoImageError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise MonoImageError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise MonoImageError(f"{path} is a folder, not a photo") from None
    except OSError as error:
        raise MonoImageError(f"{path} cannot be read: {error.strerror or error}") from None


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal digits.

    Raises:
        MonoImageError: the file cannot be read.
    """
    return hashlib.sha256(read_bytes(Path(path))).hexdigest()
