"""The features of labelled images, layer by layer, averaged over each map: for classifiers and plots of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vissl_monoimage.data.class_images import ClassImages
from vissl_monoimage.data.photos.decode import without_pillow_warnings
from vissl_monoimage.export.module import PretrainedTrunk
from vissl_monoimage.utils.progress import Progress

BATCH = 64  # images per forward pass, decoded while the batch before is computed
POOLING = "mean of each channel over its map"
_MOST_THREADS = 16

Features = dict[str, NDArray[np.float32]]


@torch.no_grad()
def pooled_features(trunk: PretrainedTrunk, images: ClassImages) -> Features:
    """Return the features of all images, in their order, by layer: float32 (images, channels).

    An image goes through `trunk.transform`; each feature is averaged over the positions of its map (flat features stay
    as they are). No more than two batches of images are in memory at a time. A GPU is used where there is one.

    Args:
        trunk: it computes `trunk.layers`.
        images: at least one.

    Raises:
        MonoImageError: an image cannot be read.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trunk = trunk.to(device)
    rows: Features = {}
    with Progress(f"features of {images.root}", len(images), "image") as progress:
        done = 0
        for batch in _batches(trunk, images):
            for layer, feature in trunk(batch.to(device)).items():
                pooled = feature.flatten(2).mean(2) if feature.ndim > 2 else feature
                if layer not in rows:
                    rows[layer] = np.empty((len(images), pooled.shape[1]), np.float32)
                rows[layer][done : done + len(batch)] = pooled.float().cpu().numpy()
            done += len(batch)
            progress.advance(len(batch))
    return rows


def _batches(trunk: PretrainedTrunk, images: ClassImages) -> Iterator[Tensor]:
    """Yield normalised images (<= BATCH, 3, size, size), in order, and prepare the next ones meanwhile."""
    transform = trunk.transform
    spans = [range(first, min(first + BATCH, len(images))) for first in range(0, len(images), BATCH)]
    pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
    try:
        with without_pillow_warnings():
            following = pool.map(lambda index: transform(images[index][0]), spans[0])
            for span in [*spans[1:], range(0)]:
                ready = torch.stack(list(following))
                following = pool.map(lambda index: transform(images[index][0]), span)
                yield ready
    finally:
        pool.shutdown(cancel_futures=True)
