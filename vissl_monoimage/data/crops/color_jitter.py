"""Colour jitter of bytes with OpenCV, as torchvision's `ColorJitter` does it with Pillow, step by step.

Pillow truncates where OpenCV rounds: the offset below makes OpenCV truncate. Hue differs by Pillow's coarser HSV;
`tests/unit/data/test_color_jitter.py` bounds the difference.
"""

from __future__ import annotations

import cv2
import numpy as np

from vissl_monoimage.data.crops.buffers import Buffers, Pixels
from vissl_monoimage.data.crops.params import BRIGHTNESS, CONTRAST, SATURATION, Jitter

# round(x - 0.499) is floor(x) for every product of a byte and a factor that matters, whole numbers included.
_TRUNCATE = -0.499


def jitter(pixels: Pixels, parameters: Jitter, buffers: Buffers | None = None) -> Pixels:
    """Return RGB `pixels` (height, width, 3) after the operations of `parameters`; the input is left as it is.

    Args:
        pixels: uint8; none of the arrays in `buffers.jittered`.
        parameters: of the colour jitter.
        buffers: for images of this size; what is returned may lie in them. None makes new arrays.
    """
    buffers = buffers or Buffers(*pixels.shape[1::-1])
    # Never in place: there OpenCV may round the last few values of an array differently.
    target, spare, other = buffers.jittered
    for operation in parameters.order:
        factor = parameters.factors[operation]
        if operation == BRIGHTNESS:
            cv2.convertScaleAbs(pixels, target, factor, _TRUNCATE)
        elif operation == CONTRAST:
            grey = int(cv2.mean(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY, buffers.grey))[0] + 0.5)
            cv2.addWeighted(pixels, factor, pixels, 0.0, (1 - factor) * grey + _TRUNCATE, target)
        elif operation == SATURATION:
            cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY, buffers.grey), cv2.COLOR_GRAY2RGB, spare)
            cv2.addWeighted(pixels, factor, spare, 1 - factor, _TRUNCATE, target)
        elif step := int(factor * 255):  # the hue in steps of 1/255 turn, as torchvision does
            cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL, spare)
            spare[..., 0] += np.uint8(step % 256)
            cv2.cvtColor(spare, cv2.COLOR_HSV2RGB_FULL, target)
        else:
            continue
        pixels, target, spare, other = target, spare, other, target
    return pixels
