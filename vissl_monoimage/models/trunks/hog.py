"""Histograms of oriented gradients."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vissl_monoimage.models.trunks.base import FixedTrunk

ORIENTATIONS = 9
_BLOCK = 2  # cells a side that are normalised together
_EPSILON = 1e-5  # keeps the norm of a region of one colour off zero
_CLIP = 0.2


class _Hog(nn.Module):
    """(N, 3, S, S) -> (N, 36, S / cell - 1, S / cell - 1), each block's 2 x 2 cells of 9 orientations."""

    def __init__(self, cell: int) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, images: Tensor) -> Tensor:
        magnitude, angle = _gradient(images)
        width = math.pi / ORIENTATIONS
        bins = torch.arange(ORIENTATIONS, device=images.device).view(1, -1, 1, 1)
        in_bin = (angle.remainder(math.pi) / width).floor().long() % ORIENTATIONS == bins
        cells = functional.avg_pool2d(magnitude * in_bin, self.cell)
        return _normalised(_blocks(cells))


def _gradient(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return length and angle (N, 1, S, S) of the gradient in the colour where it is longest; 0 at the border."""
    down, right = torch.zeros_like(images), torch.zeros_like(images)
    down[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    right[:, :, :, 1:-1] = images[:, :, :, 2:] - images[:, :, :, :-2]
    magnitude, colour = torch.hypot(down, right).max(1, keepdim=True)
    return magnitude, torch.atan2(down.gather(1, colour), right.gather(1, colour))


def _blocks(cells: Tensor) -> Tensor:
    """(N, 9, H, W) -> (N, 36, H - 1, W - 1): the cells of each block, row by row, in steps of one cell."""
    height, width = cells.shape[2] - _BLOCK + 1, cells.shape[3] - _BLOCK + 1
    offsets = [(row, column) for row in range(_BLOCK) for column in range(_BLOCK)]
    return torch.cat([cells[:, :, row : row + height, column : column + width] for row, column in offsets], 1)


def _normalised(blocks: Tensor) -> Tensor:
    """Normalise by L2-Hys (Lowe 2004): unit length, values clipped at 0.2, unit length again."""
    for clip in (_CLIP, math.inf):
        blocks = (blocks / (blocks.square().sum(1, keepdim=True) + _EPSILON**2).sqrt()).clamp(max=clip)
    return blocks


class Hog(FixedTrunk):
    """Histograms of oriented gradients (Dalal and Triggs 2005) of 224-px images, in cells of 8 and 16 px.

    9 unsigned orientations, at each pixel the gradient of the colour where it is longest, blocks of 2 x 2 cells,
    L2-Hys, as in scikit-image's `hog`. Features: hog_cell8 36 x 27 x 27, hog_cell16 36 x 13 x 13. The reviewers of
    Asano et al. (ICLR 2020) asked for this baseline.
    """

    fixed: ClassVar[str] = "HOG"
    input_size: ClassVar[int] = 224
    cells: ClassVar[tuple[int, ...]] = (8, 16)

    def __init__(self) -> None:
        super().__init__({f"hog_cell{cell}": _Hog(cell) for cell in self.cells})


class HogAt32(Hog):
    """`hog` for 32-px images, in cells of 4 and 8 px: hog_cell4 36 x 7 x 7, hog_cell8 36 x 3 x 3."""

    input_size: ClassVar[int] = 32
    cells: ClassVar[tuple[int, ...]] = (4, 8)
