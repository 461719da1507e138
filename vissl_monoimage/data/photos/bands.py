"""Large images band by band: whole copies, and floats of every value, would take many times the memory of the photo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_PIXELS = 1 << 18  # in a band, about


def bands(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that together are an image of `height` x `width` px."""
    rows = max(1, _PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def copy_pixels(image: Image.Image, to: NDArray[np.uint8]) -> None:
    """Write the pixels of an image into an array (height, width, channels); NumPy alone would copy them twice more."""
    for rows in bands(image.height, image.width):
        to[rows] = np.asarray(crop_rows(image, rows))


def crop_rows(image: Image.Image, rows: slice) -> Image.Image:
    """Return these rows of an image as an image."""
    return image.crop((0, rows.start, image.width, rows.stop))


def count_values(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return how often each of 0..255 is among uint8 values (height, width, ...)."""
    counts = np.zeros(256, np.int64)
    for rows in bands(*values.shape[:2]):
        counts += np.bincount(values[rows].ravel(), minlength=256)
    return counts
