"""The samples of an epoch: the same number from every cluster, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vissl_monoimage.data.photo_order import group_by_photo
from vissl_monoimage.pretext.deepcluster.clustering import Assignments
from vissl_monoimage.training.sampler import ResumableSampler
from vissl_monoimage.utils.random import generator


class ClusterSampler(ResumableSampler):
    """Draw as many samples an epoch as there are, uniformly over the non-empty clusters (the paper, section 3.3).

    The draws are a function of (seed, epoch, assignments), dealt out one to a rank in turn. Photos that do not fit into
    memory come in groups (`data.photo_order`).

    Attributes:
        assignments: (N,) clusters of the samples; the task sets them.
    """

    assignments: Assignments

    def __iter__(self) -> Iterator[Any]:
        drawn = even_draws(self.assignments, self.total_size, np.random.default_rng((self.seed, self.epoch)))
        drawn = group_by_photo(self.dataset, drawn, generator("order", self.seed, self.epoch))
        own = drawn[self.rank :: self.num_replicas]
        return iter(own[self.start_iter * self.batch_size :].tolist())


def even_draws(assignments: Assignments, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` samples in random order: numbers drawn from any two non-empty clusters differ by one at most.

    No sample of a cluster is drawn again before all of its samples have been.
    """
    order = rng.permutation(len(assignments))
    order = order[np.argsort(assignments[order], kind="stable")]  # by cluster, shuffled within each
    clusters, starts, sizes = np.unique(assignments[order], return_index=True, return_counts=True)
    shares = np.full(len(clusters), count // len(clusters))
    shares[rng.permutation(len(clusters))[: count % len(clusters)]] += 1
    turn = np.arange(count) - np.repeat(shares.cumsum() - shares, shares)  # 0, 1, ... within each cluster's share
    drawn = order[np.repeat(starts, shares) + turn % np.repeat(sizes, shares)]
    return rng.permutation(drawn)
