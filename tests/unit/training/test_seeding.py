import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data.distributed import DistributedSampler

from vissl_monoimage.training.sampler import ResumableSampler
from vissl_monoimage.utils import random as seeding


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_same_parts_give_the_same_draws_and_others_do_not() -> None:
    seeding.seed_everything("sample", 1, 2)
    first = draws()
    seeding.seed_everything("sample", 1, 2)
    assert draws() == first
    seeding.seed_everything("sample", 12)
    assert not set(draws()) & set(first)


def test_generators_are_left_as_they_were_even_after_an_error() -> None:
    seeding.seed_everything(0)
    expected = draws()
    seeding.seed_everything(0)
    with pytest.raises(KeyError), seeding.preserved_generators():
        seeding.seed_everything(99)
        draws()
        raise KeyError
    assert draws() == expected


def sampler(size: int, ranks: int, rank: int, batch: int) -> ResumableSampler:
    found = ResumableSampler.__new__(ResumableSampler)
    DistributedSampler.__init__(found, range(size), num_replicas=ranks, rank=rank, seed=7)
    found.batch_size, found.start_iter = batch, 0
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 8), st.integers(0, 4))
def test_batches_do_not_depend_on_the_number_of_processes(half: int, batches: int, start: int, epoch: int) -> None:
    """A global batch of one process holds the samples of the two half batches of two processes."""
    size = 2 * half * batches
    alone = sampler(size, 1, 0, 2 * half)
    pair = [sampler(size, 2, rank, half) for rank in (0, 1)]
    for each in (alone, *pair):
        each.set_epoch(epoch)
        each.set_start_iter(start)
    one, two = list(alone), [list(each) for each in pair]
    assert len(one) == max(0, size - start * 2 * half)
    for batch in range(len(one) // (2 * half)):
        together = {i for part in two for i in part[batch * half : (batch + 1) * half]}
        assert together == set(one[batch * 2 * half : (batch + 1) * 2 * half])


def test_starting_inside_an_epoch_continues_the_same_order() -> None:
    whole = sampler(20, 1, 0, 4)
    resumed = sampler(20, 1, 0, 4)
    resumed.set_start_iter(2)
    assert list(resumed) == list(whole)[8:]
    whole.set_epoch(1)
    assert list(whole)[8:] != list(resumed)
