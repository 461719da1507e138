"""The order of an epoch's samples, which a resumed run repeats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data.distributed import DistributedSampler

from vissl_monoimage.data.photo_order import group_by_photo, photos_beyond_memory
from vissl_monoimage.utils import distributed
from vissl_monoimage.utils.random import generator


class ResumableSampler(DistributedSampler[Any]):
    """torch's DistributedSampler that can start in the middle of an epoch, and groups photos that do not fit memory.

    Batch k holds the same samples for any number of processes with the same global batch, because torch
    deals the shuffled indices out one to a rank in turn. VISSL's stateful sampler cuts them in blocks.
    The shuffle is torch's own, except for photos that do not all stay in memory (`data.photo_order`).

    Args:
        dataset: what is sampled; only its length and, of ours, its photos are read.
        batch_size: samples of a batch on one rank.
        seed: of the shuffle, with the epoch.
        num_replicas: number of ranks; by default those of the process group, 1 where there is none.
        rank: of this process; by default as the process group has it, 0 where there is none.
    """

    def __init__(
        self, dataset: Any, batch_size: int, seed: int, num_replicas: int | None = None, rank: int | None = None
    ) -> None:
        super().__init__(
            dataset,
            num_replicas=distributed.world_size() if num_replicas is None else num_replicas,
            rank=distributed.rank() if rank is None else rank,
            seed=seed,
        )
        self.batch_size = batch_size
        self.start_iter = 0

    def set_start_iter(self, start_iter: int) -> None:
        """Skip `start_iter` batches of the epoch; VISSL calls it with 0 at every ordinary start."""
        self.start_iter = start_iter

    def __iter__(self) -> Iterator[Any]:
        own = super().__iter__() if photos_beyond_memory(self.dataset) is None else self._grouped_by_photo()
        return iter(list(own)[self.start_iter * self.batch_size :])

    def _grouped_by_photo(self) -> list[int]:
        draw = generator("order", self.seed, self.epoch)
        shuffled = torch.randperm(len(self.dataset), generator=draw).numpy()  # type: ignore[arg-type]
        order: list[int] = group_by_photo(self.dataset, shuffled, draw).tolist()
        order += order[-1:] * (self.total_size - len(order))  # as many for every rank
        return order[self.rank :: self.num_replicas]
