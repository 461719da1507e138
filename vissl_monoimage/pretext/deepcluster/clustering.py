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
"""Of the largest variance: directions below it are not blown up, or rounding errors would decide the clusters."""


@dataclass(frozen=True)
class DeepClusterConfig:
    """`config.MONOIMAGE.DEEPCLUSTER`.

    Attributes:
        K: number of clusters; at most as many as samples. The paper's 10,000 are for 1.28 million.
        EVERY: epochs from one clustering to the next.
        PCA: dimensions that features are reduced to, at most as many as they have.
        ITERATIONS: of k-means.
    """

    K: int
    EVERY: int = 1
    PCA: int = 256
    ITERATIONS: int = 20

    def problems(self) -> list[str]:
        """Values out of range."""
        least = {"K": 2, "EVERY": 1, "PCA": 1, "ITERATIONS": 1}
        wrong = [name for name, low in least.items() if getattr(self, name) < low]
        return [f"{name}={getattr(self, name)} must be at least {least[name]}" for name in wrong]


def check_enough(samples: int, k: int) -> None:
    """Raise MonoImageError where there are fewer samples than clusters."""
    if samples < k:
        raise MonoImageError(f"{WHERE}.K={k} is more than the {samples} samples: give at most {samples}")


class Whitening:
    """PCA to `dimensions`, each of variance 1, then each sample to length 1, as in the authors' code.

    Fitted on `sample` (n, d), float32; no more dimensions than d or n. Directions that do not vary are kept small.
    """

    def __init__(self, sample: Features, dimensions: int) -> None:
        count, width = sample.shape
        self._matrix = faiss.PCAMatrix(width, min(dimensions, width, count), -0.5)
        # Its own limit for a subsample would come first, and differ from one number of dimensions to the next.
        self._matrix.max_points_per_d = count
        self._matrix.train(sample)
        largest = float(faiss.vector_to_array(self._matrix.eigenvalues).max())
        self._matrix.epsilon = max(_NEGLIGIBLE * largest, float(np.finfo(np.float32).tiny))
        self._matrix.prepare_Ab()
        self.dimensions: int = self._matrix.d_out

    def __call__(self, features: Features) -> Features:
        """(n, d) -> (n, self.dimensions), rows of length 1 (or 0, where nothing varies)."""
        reduced: Features = self._matrix.apply(features)
        lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
        return np.divide(reduced, lengths, out=np.zeros_like(reduced), where=lengths > 0)


def k_means(points: Features, k: int, iterations: int, seed: int) -> Assignments:
    """The nearest of k centroids for each of `points` (N, d), after `iterations` of Lloyd's algorithm.

    The rule for empty clusters: while k-means runs, faiss gives a centroid that has lost all points half of a large
    cluster's. A centroid that is nearest to no point at the end stays empty until the next clustering; the sampler
    passes it over, and the top layer keeps an output for it. So labels are always below k, and there may be gaps.

    On a GPU where faiss has one. The same seed, points and threads give the same answer.

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
        min_points_per_centroid=1,  # how many are too few is the user's to judge: faiss would warn on stdout
        max_points_per_centroid=len(points),
    )
    trainer.train(points)
    return np.asarray(trainer.index.search(points, 1)[1][:, 0], dtype=np.int64)
