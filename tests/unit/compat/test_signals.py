"""What the processes of a run do at signals that come to all of them, as a terminal and SLURM send them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import pytest
import torch

from vissl_monoimage.compat import signals
from vissl_monoimage.compat.parent_process import work_for_parent
from vissl_monoimage.compat.signals import TerminatedError, join_run, set_stepping, stop_on_signals

SLURM = (signal.SIGUSR2,)


class Child:
    """A fork of this process that answers whether it has been asked to stop."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=_answer, args=(begin, theirs))
        self.process.start()
        theirs.close()
        assert self.is_asked_to_stop() is False

    def is_asked_to_stop(self) -> bool:
        self.connection.send(None)
        return bool(self.connection.recv())

    def status(self) -> int | None:
        self.process.join(20)
        return self.process.exitcode

    def signal(self, number: int) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)


def _answer(begin: Callable[[], None], connection: Connection) -> None:
    begin()
    while True:
        connection.recv()
        connection.send(signals.stop_requested())


@contextlib.contextmanager
def child(begin: Callable[[], None]) -> Iterator[Child]:
    started = Child(begin)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.join()


def stepping_rank() -> None:
    join_run()
    set_stepping(True)


def test_a_rank_of_a_slurm_job_stops_at_the_signal_of_the_job_alone() -> None:
    with stop_on_signals(has_ranks=True, numbers=SLURM), child(stepping_rank) as rank:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            rank.signal(number)
            assert not rank.is_asked_to_stop()
        rank.signal(signal.SIGUSR2)
        assert rank.is_asked_to_stop()


def test_a_rank_of_a_run_stops_at_sigterm() -> None:
    with stop_on_signals(has_ranks=True), child(stepping_rank) as rank:
        rank.signal(signal.SIGUSR2)
        assert not rank.is_asked_to_stop()
        rank.signal(signal.SIGTERM)
        assert rank.is_asked_to_stop()


def test_the_main_process_passes_the_signal_on_that_it_got(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), stop_on_signals(has_ranks=True, numbers=SLURM), child(stepping_rank) as rank:
        os.kill(os.getpid(), signal.SIGUSR2)
        asked = rank.is_asked_to_stop()
    assert asked
    assert capsys.readouterr().err.startswith("stopping with a checkpoint after this step")


@pytest.mark.parametrize(("number", "end"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminatedError)])
def test_a_signal_before_there_are_ranks_ends_the_run_at_once(number: int, end: type[BaseException]) -> None:
    """Claiming the folder of a run hashes its data, which takes minutes."""
    went_on = False
    with pytest.raises(end), stop_on_signals(has_ranks=True):
        os.kill(os.getpid(), number)
        went_on = True
    assert not went_on


def first_of_two_ranks_has_a_signal(rank: int) -> None:
    join_run()
    if rank:
        time.sleep(60)  # as in a collective that the other one never joins
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def test_a_rank_between_phases_ends_and_takes_the_others_with_it() -> None:
    began = time.monotonic()
    with pytest.raises(torch.multiprocessing.ProcessExitedException), stop_on_signals(has_ranks=True):
        torch.multiprocessing.start_processes(first_of_two_ranks_has_a_signal, nprocs=2, start_method="fork")
    assert time.monotonic() - began < 30
    with stop_on_signals(has_ranks=True), child(join_run) as rank:
        rank.signal(signal.SIGTERM)
        assert rank.status() == 1


def test_a_worker_ends_at_sigterm_of_its_parent_alone() -> None:
    with stop_on_signals(has_ranks=False), child(work_for_parent) as worker:
        for number in ("TERM", "INT", "USR1", "USR2"):
            subprocess.run(["kill", f"-{number}", str(worker.process.pid)], check=True)
            assert not worker.is_asked_to_stop()
        worker.process.terminate()
        assert worker.status() == 0
