"""Colour jitter of bytes with OpenCV, as torchvision's `ColorJitter` does it with Pillow, step by step.

Pillow truncates where OpenCV rounds: the offset below makes OpenCV truncate. Hue differs by Pillow's coarser HSV;
`tests/unit/data/test_color_jitter.py` bounds the difference.
"""

from __future__ import annotations

import cv2
import numpy as np

from vissl_monoimage.data.crops.params import BRIGHTNESS, CONTRAST, SATURATION, Jitter
from vissl_monoimage.data.crops.pyramid import Pixels

# round(x - 0.499) is floor(x) for every product of a byte and a factor that matters, whole numbers included.
_TRUNCATE = -0.499


def jitter(pixels: Pixels, parameters: Jitter) -> Pixels:
    """Return RGB `pixels` (height, width, 3) after the operations of `parameters`; the input is left as it is."""
    for operation in parameters.order:
        factor = parameters.factors[operation]
        if operation == BRIGHTNESS:
            pixels = cv2.convertScaleAbs(pixels, alpha=factor, beta=_TRUNCATE)
        elif operation == CONTRAST:
            grey = int(cv2.mean(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))[0] + 0.5)
            pixels = cv2.addWeighted(pixels, factor, pixels, 0.0, (1 - factor) * grey + _TRUNCATE)
        elif operation == SATURATION:
            grey_image = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            pixels = cv2.addWeighted(pixels, factor, grey_image, 1 - factor, _TRUNCATE)
        else:
            pixels = _shift_hue(pixels, factor)
    return pixels


def _shift_hue(pixels: Pixels, turns: float) -> Pixels:
    """Return `pixels` with the hue shifted by `turns` full turns, in steps of 1/255 as torchvision does."""
    step = int(turns * 255)
    if step == 0:
        return pixels
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 0] += np.uint8(step % 256)
    shifted: Pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)
    return shifted
