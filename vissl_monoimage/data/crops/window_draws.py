"""What torchvision's random crops, resizes and flips draw, as windows that are applied to a batch later."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision import transforms as tv
from torchvision.transforms import InterpolationMode

from vissl_monoimage.data.crops.window import Window, whole_image
from vissl_monoimage.errors import MonoImageError

Draw = Callable[[Window], Window]


def read_draws(transforms: Sequence[Any]) -> list[Draw]:
    """Return what draws the windows of torchvision's transforms, with the random numbers that they draw themselves.

    Raises:
        MonoImageError: a transform, or a setting of it, that cannot be applied to a batch in this way.
    """
    for transform in transforms:
        if type(transform) not in _DRAWS:
            names = ", ".join(sorted(kind.__name__ for kind in _DRAWS))
            raise MonoImageError(f"{type(transform).__name__} is none of {names}")
    resizes = [transform for transform in transforms if isinstance(transform, tv.RandomResizedCrop | tv.Resize)]
    padded = any(getattr(transform, "padding", None) for transform in transforms)
    if len(resizes) + padded > 1:
        raise MonoImageError("images may be resized once, and not after they were padded")
    return [functools.partial(_DRAWS[type(transform)], transform, _side(transform)) for transform in transforms]


def draw_window(size: int, draws: Sequence[Draw]) -> Window:
    """Return the window that `draws` make of an image of `size` px squared."""
    window = whole_image(size)
    for draw in draws:
        window = draw(window)
    return window


def _random_resized_crop(transform: Any, side: int, window: Window) -> Window:
    top, left, height, width = transform.get_params(_image(window), transform.scale, transform.ratio)
    return window[0].crop(top, height).resize(side), window[1].crop(left, width).resize(side)


def _random_crop(transform: Any, side: int, window: Window) -> Window:
    padding = transform.padding or 0
    down, across = (axis.crop(-padding, axis.size + 2 * padding) for axis in window)
    top, left, height, width = transform.get_params(_image((down, across)), (side, side))
    return down.crop(top, height), across.crop(left, width)


def _centre_crop(transform: Any, side: int, window: Window) -> Window:
    down, across = (axis.crop(round((axis.size - side) / 2.0), side) for axis in window)
    return down, across


def _resize(transform: Any, side: int, window: Window) -> Window:
    return window[0].resize(side), window[1].resize(side)


def _horizontal_flip(transform: Any, side: int, window: Window) -> Window:
    return (window[0], window[1].flip()) if torch.rand(1) < transform.p else window


def _vertical_flip(transform: Any, side: int, window: Window) -> Window:
    return (window[0].flip(), window[1]) if torch.rand(1) < transform.p else window


_DRAWS: dict[type, Callable[[Any, int, Window], Window]] = {
    tv.RandomResizedCrop: _random_resized_crop, tv.RandomCrop: _random_crop, tv.CenterCrop: _centre_crop,
    tv.Resize: _resize, tv.RandomHorizontalFlip: _horizontal_flip, tv.RandomVerticalFlip: _vertical_flip,
}  # fmt: skip


def _side(transform: Any) -> int:
    """Return the side in px of a transform's square output, 0 for a flip; refuse settings that have no window."""
    name: str = type(transform).__name__
    size: Any = getattr(transform, "size", 0)
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise MonoImageError(f"{name} must have one size for both sides, not {list(size)}")
    if getattr(transform, "interpolation", InterpolationMode.BILINEAR) != InterpolationMode.BILINEAR:
        raise MonoImageError(f"{name} must resize bilinearly, not {transform.interpolation.value}")
    if getattr(transform, "max_size", None) is not None:
        raise MonoImageError(f"{name} may have no max_size")
    padding = getattr(transform, "padding", None) or 0
    plain = getattr(transform, "padding_mode", "constant") == "constant" and getattr(transform, "fill", 0) == 0
    if not (isinstance(padding, int) and plain) or getattr(transform, "pad_if_needed", False):
        raise MonoImageError(f"{name} may be padded by one number of black pixels, and in no other way")
    return int(sides.pop())


def _image(window: Window) -> Tensor:
    """Return an image of the window's size without pixels, for torchvision to draw from."""
    return torch.empty(3, window[0].size, window[1].size, device="meta")
