"""Crops, resizes and flips of square images, as numbers that are applied to a batch by torch.

All of them are separable: a window is two axes, and a batch is resampled by a product with a matrix for each axis. The
matrices have Pillow's weights (bilinear, antialiased) and its rounding after each axis.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

WIDTH = 8
"""Numbers of a window in a row: four for each axis, the vertical one first."""


@dataclass(frozen=True)
class Axis:
    """One axis of the output: pixel o of `size` has its centre at `start + step * (o + 0.5)` px of the input.

    Attributes:
        size: px of the output.
        start: px of the input.
        step: px of the input per px of the output; negative where it is flipped.
        least: px of the input, at which the part begins that is read.
        most: px of the input, at which it ends; beyond it is black.
    """

    size: int
    start: float
    step: float
    least: float
    most: float

    def crop(self, first: int, size: int) -> Axis:
        """Return the axis of `size` px of the output from `first` on, which may lie outside of it."""
        return dataclasses.replace(self, size=size, start=self.start + self.step * first)

    def flip(self) -> Axis:
        """Return the axis of the output mirrored."""
        return dataclasses.replace(self, start=self.start + self.step * self.size, step=-self.step)

    def resize(self, size: int) -> Axis:
        """Return the axis of the output resized to `size` px."""
        ends = sorted((self.start, self.start + self.step * self.size))
        return Axis(size, self.start, self.step * self.size / size, max(self.least, ends[0]), min(self.most, ends[1]))


Window = tuple[Axis, Axis]


def whole_image(size: int) -> Window:
    """Return the window that is all of an image of `size` px squared."""
    axis = Axis(size, 0.0, 1.0, 0.0, float(size))
    return axis, axis


def window_row(window: Window) -> Tensor:
    """Return the numbers of a window, float32 (WIDTH,)."""
    return torch.tensor([number for axis in window for number in (axis.start, axis.step, axis.least, axis.most)])


def resample(images: Tensor, windows: Tensor, size: int) -> Tensor:
    """Return the windows of square images, whole numbers in (N, 3, size, size).

    Args:
        images: (N, 3, S, S) float32, whole numbers 0 to 255.
        windows: (N, WIDTH) of `window_row`.
        size: px, side of the windows.
    """
    down, across = (_weights(part, images.shape[-1], size)[:, None] for part in windows.float().chunk(2, 1))
    narrow = (images @ across.mT + 0.5).floor()  # Pillow resizes the lines first
    return (down @ narrow + 0.5).floor().clamp(0, 255)


def _weights(axes: Tensor, length: int, size: int) -> Tensor:
    """Return the weight of each of `length` input pixels in each of `size` output pixels, (N, size, length)."""
    start, step, least, most = axes[:, :, None, None].unbind(1)
    centres = start + step * (torch.arange(size, device=axes.device) + 0.5)[None, :, None]
    pixels = (torch.arange(length, device=axes.device) + 0.5)[None, None, :]
    weights = (1 - (pixels - centres).abs() / step.abs().clamp(min=1)).clamp(min=0)
    weights = weights * ((pixels > least) & (pixels < most))
    return weights / weights.sum(2, keepdim=True).clamp(min=1e-6)
