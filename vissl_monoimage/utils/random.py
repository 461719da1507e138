"""Random generators seeded by what is drawn, not by what ran before."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_everything(*parts: int | str) -> None:
    """Seed Python's, NumPy's and torch's generator on the CPU from `parts`, which may be of any size.

    Not that of a GPU, which is a step's own: a sample's seed would reach it without loader workers and not with them.
    """
    seed = seed_of(parts)
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    torch.default_generator.manual_seed(seed)


def generator(*parts: int | str) -> torch.Generator:
    """Return a torch generator on the CPU, seeded from `parts`, apart from the global ones."""
    return torch.Generator().manual_seed(seed_of(parts))


def seed_of(parts: tuple[int | str, ...]) -> int:
    """Return a 64-bit seed that is a pure function of `parts`."""
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
