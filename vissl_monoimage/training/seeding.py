"""Randomness that a resumed run repeats: samples and steps are seeded by what they are, not by what ran before.

VISSL saves no state of the random generators, so a run of it that is killed and resumed draws other
augmentations than the uninterrupted one. Here each sample's transforms are seeded from (seed, split,
epoch, index) and each step from (seed, rank, iteration). Nothing has to be saved, and the draws do not
depend on the number of loader workers.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from classy_vision.hooks import ClassyHook
from torch.utils.data.distributed import DistributedSampler
from vissl.data.ssl_dataset import GenericSSLDataset

from vissl_monoimage.data.photo_order import crowded_photos, keep_warm


def seed_everything(*parts: int | str) -> None:
    """Seed Python's, NumPy's and torch's generator on the CPU from `parts`, which may be of any size.

    Not that of a GPU, which is a step's own: a sample's seed would reach it without loader workers and not with them.
    """
    seed = _seed_of(parts)
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    torch.default_generator.manual_seed(seed)


def generator(*parts: int | str) -> torch.Generator:
    """A torch generator on the CPU, seeded from `parts`, apart from the global ones."""
    return torch.Generator().manual_seed(_seed_of(parts))


def _seed_of(parts: tuple[int | str, ...]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "little")


@contextmanager
def preserved_generators() -> Iterator[None]:
    """Leave the three CPU generators as they were: without workers they also serve the training step."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


class SeededSSLDataset(GenericSSLDataset):
    """VISSL's data set with each sample's transforms seeded from (seed, split, epoch, index).

    `epoch` is the training epoch, set by the task before each phase; test phases always see epoch 0,
    so that a test set with random transforms is the same at every test.
    """

    epoch: int = 0

    def __getitem__(self, idx: int) -> Any:
        with preserved_generators():
            seed_everything("sample", self.cfg["SEED_VALUE"], self.split, self.epoch, int(idx))
            return super().__getitem__(idx)


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


class StepSeedHook(ClassyHook):
    """Seed each rank's generators from (seed, rank, iteration) before every step: dropout, noise, latents."""

    on_end = ClassyHook._noop

    def on_start(self, task: Any) -> None:
        self._seed(task)

    def on_phase_start(self, task: Any) -> None:
        self._seed(task)

    def on_step(self, task: Any) -> None:
        self._seed(task)

    def on_phase_end(self, task: Any) -> None:
        self._seed(task)

    def _seed(self, task: Any) -> None:
        rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        parts = ("step", task.config["SEED_VALUE"], rank, task.iteration)
        seed_everything(*parts)
        if torch.cuda.is_available():
            torch.cuda.manual_seed(_seed_of(parts))
