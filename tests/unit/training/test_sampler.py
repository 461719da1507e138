"""The order of an epoch's samples, on any number of processes and after a resume."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.training.sampler import ResumableSampler


def sampler(size: int, ranks: int, rank: int, batch: int) -> ResumableSampler:
    return ResumableSampler(range(size), batch, seed=7, num_replicas=ranks, rank=rank)


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
    uninterrupted = sampler(20, 1, 0, 4)
    resumed = sampler(20, 1, 0, 4)
    resumed.set_start_iter(2)
    assert list(resumed) == list(uninterrupted)[8:]
    uninterrupted.set_epoch(1)
    assert list(uninterrupted)[8:] != list(resumed)


def test_without_a_process_group_one_process_sees_all_samples() -> None:
    assert sorted(ResumableSampler(range(11), 4, seed=7)) == list(range(11))
    assert list(ResumableSampler(range(11), 4, seed=7)) == list(sampler(11, 1, 0, 4))
