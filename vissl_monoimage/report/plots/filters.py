"""The filters of a network's first convolution as a picture."""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.report.plots.style import Figure


def conv1_filters(checkpoint: str | Path, name: str) -> Figure:
    """The first convolution's RGB filters in a VISSL checkpoint as a grid, each stretched to its full range.

    Raises:
        MonoImageError: if the file cannot be read or holds no convolution over RGB.
    """
    weight = first_convolution(checkpoint)
    sheet = tile(weight)
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, sheet, format="png")
    count, _, height, width = weight.shape
    return Figure(
        buffer.getvalue(),
        "image/png",
        f"Grid of the {count} first-layer filters ({height}x{width} px) of {name}.",
        f"conv1 filters, {name}.",
    )


def tile(weight: np.ndarray[Any, Any], zoom: int | None = None) -> np.ndarray[Any, Any]:
    """(N, 3, H, W) filters as one (rows, columns, 3) picture in [0, 1], `zoom` times enlarged, gaps white."""
    count, _, height, width = weight.shape
    zoom = zoom or max(1, 44 // max(height, width))
    low, high = weight.min(axis=(1, 2, 3), keepdims=True), weight.max(axis=(1, 2, 3), keepdims=True)
    scaled = (weight - low) / np.maximum(high - low, 1e-12)
    columns = 16 if count % 16 == 0 else math.ceil(math.sqrt(count * 2))
    rows = math.ceil(count / columns)
    sheet = np.ones((rows * (height * zoom + 2) + 2, columns * (width * zoom + 2) + 2, 3))
    for number, image in enumerate(scaled):
        top = 2 + (number // columns) * (height * zoom + 2)
        left = 2 + (number % columns) * (width * zoom + 2)
        big = image.transpose(1, 2, 0).repeat(zoom, axis=0).repeat(zoom, axis=1)
        sheet[top : top + height * zoom, left : left + width * zoom] = big
    return sheet


def first_convolution(checkpoint: str | Path) -> np.ndarray[Any, Any]:
    """The first (N, 3, H, W) weight of the trunk in a VISSL checkpoint, as float64."""
    import torch

    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        trunk = state["classy_state_dict"]["base_model"]["model"]["trunk"]
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise MonoImageError(f"cannot read a VISSL checkpoint from '{checkpoint}'") from error
    for tensor in trunk.values():
        if tensor.ndim == 4 and tensor.shape[1] == 3:
            return np.asarray(tensor.double().numpy())
    raise MonoImageError(f"the trunk in '{checkpoint}' has no convolution over RGB")
