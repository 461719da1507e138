"""The filters of a network's first convolution as a picture."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.tables.join import ProbedTrunk
from vissl_monoimage.report.tables.labels import trunk_label

_GAP = 2  # px between filters
_SIDE = 44  # px that a small filter is enlarged to at most
_FULL_ROW = 16  # filters


def filter_figures(probed: Sequence[ProbedTrunk], missing: list[str]) -> list[Figure]:
    """Return the conv1 filters of one trunk per pretraining, that of the lowest seed; random weights first.

    Fixed features have no filters.

    Args:
        probed: the probes of the report.
        missing: receives a sentence for each checkpoint that cannot be shown.
    """
    figures: dict[str, Figure] = {}
    for trunk in sorted(probed, key=lambda trunk: (trunk.probe.weights.path is not None, trunk.probe.seed)):
        checkpoint, label = trunk.trunk_checkpoint, trunk_label(trunk)
        if label in figures or checkpoint is None or trunk.is_fixed:
            continue
        try:
            figures[label] = conv1_filters(checkpoint, f"{label}, seed {(trunk.pretrain or trunk.probe).seed}")
        except MonoImageError as error:
            missing.append(f"Not shown: {error}.")
    return list(figures.values())


def conv1_filters(checkpoint: str, name: str) -> Figure:
    """Return the first convolution's RGB filters in a checkpoint as a grid, each stretched to its full range.

    Raises:
        MonoImageError: the file cannot be read or holds no convolution over RGB.
    """
    weight = first_convolution(checkpoint)
    buffer = io.BytesIO()
    Image.fromarray((filter_grid(weight) * 255).round().astype(np.uint8)).save(buffer, "PNG")
    count, _, height, width = weight.shape
    return Figure(
        buffer.getvalue(),
        "image/png",
        f"Grid of the {count} first-layer filters ({height}x{width} px) of {name}.",
        f"conv1 filters, {name}.",
    )


def filter_grid(weight: np.ndarray[Any, Any], zoom: int | None = None) -> np.ndarray[Any, Any]:
    """Return filters (N, 3, H, W) as one picture (rows, columns, 3) in [0, 1] with white gaps, enlarged by `zoom`."""
    import torch
    from torchvision.utils import make_grid

    count, _, height, width = weight.shape
    zoom = zoom or max(1, _SIDE // max(height, width))
    low, high = weight.min(axis=(1, 2, 3), keepdims=True), weight.max(axis=(1, 2, 3), keepdims=True)
    scaled = (weight - low) / np.maximum(high - low, 1e-12)
    columns = _FULL_ROW if count % _FULL_ROW == 0 else math.ceil(math.sqrt(count * 2))
    # White up to a whole row, since make_grid leaves a single image without its gaps.
    padded = np.concatenate([scaled, np.ones((-count % columns, *scaled.shape[1:]))])
    images = torch.from_numpy(padded).repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    return np.asarray(make_grid(images, nrow=columns, padding=_GAP, pad_value=1.0).permute(1, 2, 0))


def first_convolution(checkpoint: str) -> np.ndarray[Any, Any]:
    """Return the first weight (N, 3, H, W) of the trunk in a checkpoint, as float64.

    Raises:
        MonoImageError: the file cannot be read, or holds no convolution over RGB with finite weights.
    """
    from vissl_monoimage.models.checkpoint.file import read_checkpoint  # imports torch
    from vissl_monoimage.models.checkpoint.tensors import tensors_in, without_heads

    if not os.path.isfile(checkpoint):
        raise MonoImageError(f"there is no checkpoint '{checkpoint}'")
    for tensor in without_heads(tensors_in(read_checkpoint(checkpoint), checkpoint)).values():
        if tensor.ndim == 4 and tensor.shape[1] == 3 and tensor.numel() and not tensor.is_complex():
            weight = np.asarray(tensor.double().numpy())
            if not np.isfinite(weight).all():
                raise MonoImageError(f"the first convolution in '{checkpoint}' has weights that are not finite")
            return weight
    raise MonoImageError(f"the trunk in '{checkpoint}' has no convolution over RGB")
