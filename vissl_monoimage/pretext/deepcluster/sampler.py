"""Which samples an epoch shows: clusters take even shares, whatever their sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vissl_monoimage.data.photo_order import keep_warm
from vissl_monoimage.pretext.deepcluster.clustering import Assignments
from vissl_monoimage.training.sampler import ResumableSampler
from vissl_monoimage.utils.random import generator


class ClusterSampler(ResumableSampler):
    """As many draws an epoch as there are samples, uniform over the non-empty clusters (the paper, section 3.3).

    The draws are a function of (seed, epoch, assignments), dealt out one to a rank in turn. Photos that do not fit into
    memory come in groups (`images.order`).
    """

    assignments: Assignments

    def __iter__(self) -> Iterator[Any]:
        drawn = even_draws(self.assignments, self.total_size, np.random.default_rng((self.seed, self.epoch)))
        drawn = keep_warm(self.dataset, drawn, generator("order", self.seed, self.epoch))
        mine = drawn[self.rank :: self.num_replicas]
        return iter(mine[self.start_iter * self.batch_size :].tolist())


def even_draws(assignments: Assignments, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` samples in random order, from every non-empty cluster the same number, but for one.

    No sample of a cluster is drawn again before all of it have been.
    """
    order = rng.permutation(len(assignments))
    order = order[np.argsort(assignments[order], kind="stable")]  # by cluster, shuffled within each
    clusters, starts, sizes = np.unique(assignments[order], return_index=True, return_counts=True)
    shares = np.full(len(clusters), count // len(clusters))
    shares[rng.permutation(len(clusters))[: count % len(clusters)]] += 1
    turn = np.arange(count) - np.repeat(shares.cumsum() - shares, shares)  # 0, 1, ... within each cluster's share
    drawn = order[np.repeat(starts, shares) + turn % np.repeat(sizes, shares)]
    return rng.permutation(drawn)
