"""Cached features as files: one row per sample that holds the pooled features of all layers side by side."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from classy_vision.generic.distributed_util import barrier
from numpy.typing import NDArray
from torch import Tensor

from vissl_monoimage.errors import MonoImageError

KEY = "config.MONOIMAGE.CACHE_FEATURES"


class FeatureRows(NamedTuple):
    """The cached features of one split, memory-mapped.

    Attributes:
        features: (samples, `row_length`) float32.
        targets: (samples, 2) int64: the label, and VISSL's data_valid.
    """

    features: NDArray[np.float32]
    targets: NDArray[np.int64]


@contextmanager
def unlinked_rows(folder: Path, samples: int, length: int, creates: bool) -> Iterator[FeatureRows]:
    """Open files that all processes of a node share and that have no name any more.

    The block fills the files; they are complete for all processes when every process has left its block. The memory
    lasts for as long as a process maps it, and a run leaves no file behind however it ends.

    Args:
        folder: where the files are made; it is removed again.
        samples: number of rows.
        length: number of features in a row.
        creates: whether this process is the one of its node that makes the files.

    Raises:
        MonoImageError: the disk has no room for them.
    """
    features, targets = folder / "features", folder / "targets"
    try:
        if creates:
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed inside this block
            folder.mkdir()
            _allocate(features, 4 * samples * length)
            _allocate(targets, 8 * samples * 2)
        barrier()
        rows = FeatureRows(
            np.memmap(features, np.float32, "r+", shape=(samples, length)).view(np.ndarray),
            np.memmap(targets, np.int64, "r+", shape=(samples, 2)).view(np.ndarray),
        )
        barrier()
    finally:
        if creates:
            shutil.rmtree(folder, ignore_errors=True)
    yield rows
    barrier()


def _allocate(path: Path, size: int) -> None:
    """Take the disk blocks now: a memory-mapped write to a full disk would end the process with SIGBUS."""
    try:
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise MonoImageError(f"{KEY}: no {size / 1e9:.1f} GB for '{path}': {error.strerror}") from None


def pooled_shapes(model_config: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """Return (channels, height, width) of each layer's pooled feature, as `configure_probe` wrote them in the heads."""
    return [tuple(settings["shape"]) for _, settings in model_config["HEAD"]["PARAMS"]]


def row_length(shapes: Sequence[tuple[int, ...]], moments: bool = False) -> int:
    """Return the number of float32 in a row: the features of all layers, and behind them, if asked for, their moments.

    The moments, two float64 for each channel of each layer, begin at an even place.
    """
    features = sum(map(math.prod, shapes))
    return features + features % 2 + 4 * sum(shape[0] for shape in shapes) if moments else features


def split_layers(rows: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Split rows (batch, features) into each layer's feature (batch, channels, height, width)."""
    parts = rows[:, : row_length(shapes)].split([math.prod(shape) for shape in shapes], 1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]


def split_moments(rows: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Return each layer's moments (batch, channels, 2) float64 in rows that have them; nothing for rows without.

    They share the memory of the rows.
    """
    if rows.shape[1] == row_length(shapes):
        return []
    channels = [shape[0] for shape in shapes]
    moments = rows[:, rows.shape[1] - 4 * sum(channels) :].view(torch.float64)
    return [part.unflatten(1, (-1, 2)) for part in moments.split([2 * number for number in channels], 1)]
