"""Colour jitter of a batch in torch, step by step as `color_jitter` does it for one image with OpenCV."""

from __future__ import annotations

import torch
from torch import Tensor

from vissl_monoimage.data.crops.params import BRIGHTNESS, CONTRAST, HUE

_GREY = (0.299, 0.587, 0.114)
_TRUNCATE = 0.001  # floor(x + 0.001): a whole number that a product misses by rounding stays itself


def jitter_batch(images: Tensor, factors: Tensor, order: Tensor) -> Tensor:
    """Return RGB images (N, 3, H, W), whole numbers 0 to 255, after the operations of `factors` and `order`.

    Args:
        images: float32; they may be changed in place.
        factors: (N, 4) of brightness, contrast and saturation, and steps of the hue, 256 to a turn.
        order: (N, 4) positions in `factors` in the order in which they are applied; -1 leaves an image as it is.
    """
    jittered = (order[:, 0] >= 0).nonzero()[:, 0]
    if len(jittered) == 0:
        return images
    chosen, factors, order = images[jittered], factors[jittered], order[jittered].long()
    for operations in order.unbind(1):
        values = factors.gather(1, operations[:, None])[:, :, None, None]
        shifted = ((operations == HUE) & (values[:, 0, 0, 0] != 0)).nonzero()[:, 0]
        hues = _shift_hue(chosen[shifted], values[shifted])
        blended = (operations != HUE)[:, None, None, None]
        chosen = torch.where(blended, _blend(chosen, operations, values), chosen)
        chosen[shifted] = hues
    images[jittered] = chosen
    return images


def _blend(images: Tensor, operations: Tensor, factors: Tensor) -> Tensor:
    """Return images between black, their mean grey or their own grey and themselves, whichever the operation asks."""
    grey = (images * images.new_tensor(_GREY)[:, None, None]).sum(1, keepdim=True).round()
    mean = (grey.mean((2, 3), keepdim=True) + 0.5).floor()
    is_contrast, is_brightness = ((operations == kind)[:, None, None, None] for kind in (CONTRAST, BRIGHTNESS))
    other = torch.where(is_contrast, mean, grey).masked_fill(is_brightness, 0.0)
    return (images * factors + other * (1 - factors) + _TRUNCATE).floor().clamp(0, 255)


def _shift_hue(images: Tensor, steps: Tensor) -> Tensor:
    """Return images with the hue shifted by `steps` (N, 1, 1, 1), with hue and saturation in 8 bits as OpenCV has."""
    value, least = images.amax(1, keepdim=True), images.amin(1, keepdim=True)
    chroma = value - least
    red, green, blue = images.split(1, 1)
    sixths = torch.where(
        value == red, (green - blue), torch.where(value == green, (blue - red) + 2 * chroma, (red - green) + 4 * chroma)
    ) / chroma.clamp(min=1)
    saturation = (255 * chroma / value.clamp(min=1)).round() / 255
    hue = ((sixths * (256 / 6)).round() + steps).remainder(256) * (6 / 255)
    # Each channel is the value, less what the hue's distance from the channel takes of the chroma.
    place = (hue + hue.new_tensor((5.0, 3.0, 1.0))[:, None, None]).remainder(6)
    return (value * (1 - saturation * torch.minimum(place, 4 - place).clamp(0, 1))).round()
