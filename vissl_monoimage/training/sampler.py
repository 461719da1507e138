"""The order of an epoch's samples, which a resumed run repeats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data.distributed import DistributedSampler

from vissl_monoimage.data.photo_order import crowded_photos, keep_warm
from vissl_monoimage.utils.random import generator


class ResumableSampler(DistributedSampler[Any]):
    """torch's DistributedSampler that can start in the middle of an epoch, and spares photos that do not fit.

    Batch k holds the same samples for any number of processes with the same global batch, because torch
    deals the shuffled indices out one to a rank in turn. VISSL's stateful sampler cuts them in blocks.
    The shuffle is torch's own, but for photos that do not all stay in memory: see `images.order`.
    """

    def __init__(self, dataset: Any, batch_size: int, seed: int) -> None:
        super().__init__(dataset, seed=seed)
        self.batch_size = batch_size
        self.start_iter = 0

    def set_start_iter(self, start_iter: int) -> None:
        """Skip `start_iter` batches of the epoch; VISSL calls it with 0 at every ordinary start."""
        self.start_iter = start_iter

    def __iter__(self) -> Iterator[Any]:
        mine = super().__iter__() if crowded_photos(self.dataset) is None else self._warm()
        return iter(list(mine)[self.start_iter * self.batch_size :])

    def _warm(self) -> list[int]:
        draw = generator("order", self.seed, self.epoch)
        shuffled = torch.randperm(len(self.dataset), generator=draw).numpy()  # type: ignore[arg-type]
        whole: list[int] = keep_warm(self.dataset, shuffled, draw).tolist()
        whole += whole[-1:] * (self.total_size - len(whole))  # as many for every rank
        return whole[self.rank :: self.num_replicas]
