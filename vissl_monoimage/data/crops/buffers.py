"""Arrays that crops are rendered in, kept from one crop to the next.

A crop of 256 px passes through arrays of some hundred kilobytes. Where the C library returns blocks of that size to the
kernel, which depends on what else the process has imported and allocated, each of them would cost the page faults of
new memory, as much as the rendering itself.
"""

from __future__ import annotations

import struct
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]  # uint8
_MATRIX = struct.Struct("=6d")


class Buffers:
    """Arrays for crops of one size, which a single thread may use.

    Args:
        width: of a crop, in px.
        height: of a crop, in px.

    Attributes:
        sample: (height, width, 4), what the warp writes.
        inside: (height, width), the mask of the pixels to keep.
        masked: (height, width, 4), the sample with the other pixels black.
        rgb: (height, width, 3), the sample without padding.
        jittered: three arrays (height, width, 3), for the steps of colour jitter.
        grey: (height, width).
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self.sample, self.masked = (np.empty((height, width, 4), np.uint8) for _ in range(2))
        self.inside, self.grey = (np.empty((height, width), np.uint8) for _ in range(2))
        first, second, third, self.rgb = (np.empty((height, width, 3), np.uint8) for _ in range(4))
        self.jittered = first, second, third
        self._matrix_bytes = bytearray(_MATRIX.size)
        self._matrix = np.frombuffer(self._matrix_bytes).reshape(2, 3)

    def matrix(self, *values: float) -> NDArray[np.float64]:
        """Return six values as a matrix (2, 3), which the next call changes."""
        _MATRIX.pack_into(self._matrix_bytes, 0, *values)
        return self._matrix


class _Kept(threading.local):
    buffers = Buffers(0, 0)


_kept = _Kept()


def buffers_for(size: int) -> Buffers:
    """Return this thread's arrays for crops of `size` px squared; those of another size are dropped."""
    if _kept.buffers.size != (size, size):
        _kept.buffers = Buffers(size, size)
    return _kept.buffers
