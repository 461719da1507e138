"""An antialiased pyramid of one photo: four levels an octave, each resized from the photo itself.

A crop is read from the level whose scale is nearest to its own, by one bilinear warp: there is no aliasing, and no work
that grows with the size of the crop. The levels lie in one flat tensor, so that worker processes share one block of
memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image

from vissl_monoimage.data.photos.bands import copy_pixels

Pixels = NDArray[Any]  # uint8; OpenCV's stubs promise less than that

LEVELS_PER_OCTAVE = 4
SMALLEST_LEVEL = 8
"""px: the pyramid ends before the shorter side falls below this (or at the photo itself)."""


def pyramid_bytes(width: int, height: int) -> int:
    """Return how many bytes the levels of a photo's pyramid take."""
    return sum(w * h for w, h in level_sizes(width, height)) * 4


def level_sizes(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield (width, height) of each level in px, beginning with the photo itself."""
    level = 0
    while True:
        shrink = 2 ** (level / LEVELS_PER_OCTAVE)
        size = round(width / shrink), round(height / shrink)
        if level > 0 and min(size) < SMALLEST_LEVEL:
            return
        yield size
        level += 1


class Pyramid:
    """Levels of a photo as views (height, width, 4) of one flat uint8 tensor; the fourth channel is padding.

    Four channels because OpenCV warps them 2.5 times faster than three. Resizing the photo costs about the same for
    every level, and a recipe reads the first few alone: each is made when it is first read, or by `make_levels`.

    Attributes:
        flat: the bytes of all levels.
        width: of the photo, in px.
        height: of the photo, in px.
        levels: the photo and its reductions. Those that nobody has read yet are undefined, and take no memory.
    """

    def __init__(self, flat: torch.Tensor, width: int, height: int, made: list[bool]) -> None:
        self.flat, self.width, self.height = flat, width, height
        self.levels = _views(flat, width, height)
        self._made = made

    def __reduce__(self) -> tuple[type[Pyramid], tuple[torch.Tensor, int, int, list[bool]]]:
        return Pyramid, (self.flat, self.width, self.height, self._made)

    @classmethod
    def build(cls, photo: Pixels) -> Pyramid:
        """Return the pyramid of an RGB photo, uint8 (height, width, 3)."""
        height, width = photo.shape[:2]
        flat = torch.empty((pyramid_bytes(width, height),), dtype=torch.uint8)
        made = [number == 0 for number, _ in enumerate(level_sizes(width, height))]
        pyramid = cls(flat, width, height, made)
        pyramid.levels[0][..., :3] = photo
        pyramid.levels[0][..., 3] = 255
        return pyramid

    def make_levels(self, least: float, most: float) -> None:
        """Make all levels that are read at `least` to `most` photo px per output px."""
        for number in range(self.level_number(least), self.level_number(most) + 1):
            self.level(number)

    def level(self, number: int) -> Pixels:
        """Return level `number`, (height, width, 4); it is made when it is first read."""
        if not self._made[number]:
            level = self.levels[number]
            size = level.shape[1], level.shape[0]
            photo = Image.frombuffer("RGBX", (self.width, self.height), self.levels[0], "raw", "RGBX", 0, 1)  # no copy
            copy_pixels(photo.resize(size, Image.Resampling.BICUBIC), level)
            self._made[number] = True
        return self.levels[number]

    def is_made(self, number: int) -> bool:
        """Return whether level `number` has been made."""
        return self._made[number]

    def share(self) -> None:
        """Move the levels into memory that worker processes share."""
        # Not share_memory_() in place: that would free the memory under views still in use, and copy empty levels.
        storage = torch.UntypedStorage._new_shared(self.nbytes)
        shared = torch.empty(0, dtype=torch.uint8).set_(storage)
        levels = _views(shared, self.width, self.height)
        for level, before, made in zip(levels, self.levels, self._made, strict=True):
            if made:
                level[:] = before
        self.flat, self.levels = shared, levels

    @property
    def nbytes(self) -> int:
        """How many bytes the levels take."""
        return self.flat.numel()

    def level_number(self, scale: float) -> int:
        """Return the level to read at `scale` photo px per output px; below 1, which enlarges, the photo itself."""
        if scale <= 1.0:
            return 0
        return min(round(LEVELS_PER_OCTAVE * math.log2(scale)), len(self.levels) - 1)


def _views(flat: torch.Tensor, width: int, height: int) -> list[Pixels]:
    pixels, start = flat.numpy(), 0
    levels: list[Pixels] = []
    for level_width, level_height in level_sizes(width, height):
        stop = start + level_width * level_height * 4
        levels.append(pixels[start:stop].reshape(level_height, level_width, 4))
        start = stop
    return levels
