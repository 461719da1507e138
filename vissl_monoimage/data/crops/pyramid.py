"""An antialiased pyramid of one photo: a quarter of an octave a level, each resized from the photo itself.

A crop is then read from the level whose scale is nearest to the crop's own, by one bilinear warp: no
aliasing, and no work that grows with the size of the crop. Levels lie in one flat tensor, so that worker
processes share one block of memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[Any]  # uint8; OpenCV's stubs promise less than that

LEVELS_PER_OCTAVE = 4
SMALLEST_LEVEL = 8
"""px: the pyramid ends before the shorter side falls below this (or at the photo itself)."""


def pyramid_bytes(width: int, height: int) -> int:
    """Bytes of all levels of a photo's pyramid."""
    return sum(w * h for w, h in level_sizes(width, height)) * 4


def level_sizes(width: int, height: int) -> Iterator[tuple[int, int]]:
    """(width, height) of each level in px, the photo first."""
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

    Four channels because OpenCV warps them 2.5 times faster than three. A level costs about the same to draw whatever
    its size, and a recipe reads but the first few: each is drawn when it is first read, or by `draw_down_to`.
    """

    def __init__(self, flat: torch.Tensor, width: int, height: int, drawn: list[bool]) -> None:
        self.flat, self.width, self.height = flat, width, height
        self.levels = _views(flat, width, height)
        self._drawn = drawn

    def __reduce__(self) -> tuple[type[Pyramid], tuple[torch.Tensor, int, int, list[bool]]]:
        return Pyramid, (self.flat, self.width, self.height, self._drawn)

    @classmethod
    def build(cls, photo: Pixels) -> Pyramid:
        """The pyramid of an RGB photo (height, width, 3)."""
        height, width = photo.shape[:2]
        flat = torch.full((pyramid_bytes(width, height),), 255, dtype=torch.uint8)
        drawn = [number == 0 for number, _ in enumerate(level_sizes(width, height))]
        pyramid = cls(flat, width, height, drawn)
        pyramid.levels[0][..., :3] = photo
        return pyramid

    def draw_down_to(self, scale: float) -> None:
        """Draw all levels that are read at up to `scale` photo px per output px."""
        for number in range(self._number(scale) + 1):
            self._draw(number)

    def _draw(self, number: int) -> None:
        if not self._drawn[number]:
            level = self.levels[number]
            size = level.shape[1], level.shape[0]
            photo = Image.frombuffer("RGBX", (self.width, self.height), self.levels[0], "raw", "RGBX", 0, 1)  # no copy
            level[:] = photo.resize(size, Image.Resampling.BICUBIC)
            self._drawn[number] = True

    def share(self) -> None:
        """Move the levels into memory that worker processes see too."""
        # A clone, not share_memory_() in place: that would free the memory under views still in use.
        self.flat = self.flat.clone().share_memory_()
        self.levels = _views(self.flat, self.width, self.height)

    @property
    def nbytes(self) -> int:
        """Bytes of all levels."""
        return self.flat.numel()

    def level_for(self, scale: float) -> Pixels:
        """The level to read at `scale` photo px per output px (below 1: enlarging, the photo itself)."""
        number = self._number(scale)
        self._draw(number)
        return self.levels[number]

    def _number(self, scale: float) -> int:
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
