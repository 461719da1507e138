"""From features to pseudo-labels: PCA, whitening, unit length, k-means."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from vissl_monoimage.errors import MonoImageError

Features = NDArray[np.float32]
Assignments = NDArray[np.int64]

WHERE = "config.MONOIMAGE.DEEPCLUSTER"
_NEGLIGIBLE = 1e-6
"""Share of the largest variance below which a direction is not amplified: rounding errors would decide the clusters."""


@dataclass(frozen=True)
class DeepClusterConfig:
    """`config.MONOIMAGE.DEEPCLUSTER`.

    Attributes:
        K: number of clusters, at most as many as samples. The paper's 10,000 are for 1.28 million.
        EVERY: epochs from one clustering to the next.
        PCA: dimensions that features are reduced to, at most as many as they have.
        ITERATIONS: steps of k-means.
    """

    K: int
    EVERY: int = 1
    PCA: int = 256
    ITERATIONS: int = 20

    def problems(self) -> list[str]:
        """Return a sentence for each value out of range."""
        least = {"K": 2, "EVERY": 1, "PCA": 1, "ITERATIONS": 1}
        too_small = [name for name, low in least.items() if getattr(self, name) < low]
        return [f"{name}={getattr(self, name)} must be at least {least[name]}" for name in too_small]


def check_enough(samples: int, k: int) -> None:
    """Raise a MonoImageError if there are fewer samples than clusters."""
    if samples < k:
        raise MonoImageError(f"{WHERE}.K={k} is more than the {samples} samples: give at most {samples}")


class Whitening:
    """PCA to `dimensions`, each of variance 1, then each sample to length 1, as in the authors' code.

    Directions that hardly vary stay small.

    Args:
        sample: (n, d) float32, what the whitening is fitted on.
        dimensions: wanted; there are no more than d or n.

    Attributes:
        dimensions: of the whitened features.
    """

    def __init__(self, sample: Features, dimensions: int) -> None:
        count, width = sample.shape
        self._matrix = faiss.PCAMatrix(width, min(dimensions, width, count), -0.5)
        # faiss would fit on a subsample of its own, whose size depends on the number of dimensions.
        self._matrix.max_points_per_d = count
        self._matrix.train(sample)
        largest = float(faiss.vector_to_array(self._matrix.eigenvalues).max())
        self._matrix.epsilon = max(_NEGLIGIBLE * largest, float(np.finfo(np.float32).tiny))
        self._matrix.prepare_Ab()
        self.dimensions: int = self._matrix.d_out

    def __call__(self, features: Features) -> Features:
        """Return whitened features (n, self.dimensions) of `features` (n, d); rows have length 1, or 0 if all is 0."""
        reduced: Features = self._matrix.apply(features)
        lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
        return np.divide(reduced, lengths, out=np.zeros_like(reduced), where=lengths > 0)


def k_means(points: Features, k: int, iterations: int, seed: int) -> Assignments:
    """Return the number (N,) of the nearest of k centroids for each point, by Lloyd's algorithm.

    Empty clusters: while k-means runs, faiss gives a centroid that has lost all points half of a large cluster's. A
    centroid that is nearest to no point at the end stays empty until the next clustering; the sampler skips it, and
    the top layer keeps an output for it. So labels are always below k, and there may be gaps.

    It runs on a GPU if faiss has one. The same seed, points and threads give the same answer.

    Args:
        points: (N, d) float32.
        k: number of clusters.
        iterations: of Lloyd's algorithm.
        seed: of the first centroids.

    Raises:
        MonoImageError: fewer points than clusters.
    """
    check_enough(len(points), k)
    trainer = faiss.Kmeans(
        points.shape[1],
        k,
        niter=iterations,
        seed=seed & 0x7FFFFFFF,
        gpu=faiss.get_num_gpus() > 0,
        min_points_per_centroid=1,  # the user judges how many are too few: faiss would warn on stdout
        max_points_per_centroid=len(points),
    )
    trainer.train(points)
    return np.asarray(trainer.index.search(points, 1)[1][:, 0], dtype=np.int64)
