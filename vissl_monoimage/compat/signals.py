"""How a run ends early: Ctrl-C and SIGTERM save a checkpoint, in all its training processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from vissl_monoimage.compat.parent_process import end_with_parent

_CHECKPOINT_FIRST = "MONOIMAGE_CHECKPOINT_ON_SIGNAL"  # numbers in the environment of a run's training processes
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_received: int | None = None
_stepping = False


class TerminatedError(KeyboardInterrupt):
    """The process was asked to end with SIGTERM."""


@contextlib.contextmanager
def stop_on_signals(has_ranks: bool, numbers: Sequence[int] = _SIGNALS) -> Iterator[None]:
    """Let a run in this block end on Ctrl-C and on SIGTERM, with a checkpoint of the training step it is at.

    Between phases it ends at once, and so it does at a second signal. In a thread other than the main one,
    where Python handles no signals, nothing is changed.

    Args:
        has_ranks: whether the training is done by processes started in the block, which are then asked to end.
        numbers: the signals to handle; SIGINT and SIGTERM by default.

    Raises:
        KeyboardInterrupt: after Ctrl-C or another signal, from any point of the block.
        TerminatedError: after SIGTERM, likewise.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    global _received
    _received = None  # of a run before
    os.environ[_CHECKPOINT_FIRST] = ",".join(str(int(number)) for number in numbers)
    previous = [signal.signal(number, _ask_ranks if has_ranks else _ask_training) for number in numbers]
    try:
        yield
    except Exception:
        if _received is None:  # else it is a rank that misses another one
            raise
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
        os.environ.pop(_CHECKPOINT_FIRST)
        _end_children()
    if _received is not None:
        raise _interrupt()


def join_run() -> None:
    """In a training process that a run has started, end with the run, and stop on signals as `stop_on_signals` does.

    Ctrl-C and SIGTERM are ignored where the run handles another signal: SLURM sends SIGTERM to all processes of a job,
    and the main process ignores it there.
    """
    end_with_parent()
    numbers = os.environ.get(_CHECKPOINT_FIRST)
    if numbers and multiprocessing.parent_process():
        for ignored in _SIGNALS:
            signal.signal(ignored, signal.SIG_IGN)
        for number in numbers.split(","):
            signal.signal(int(number), _note)


def stop_requested() -> bool:
    """Return whether the step under way is to be the last one."""
    return _received is not None


def stop_now() -> None:
    """End the run after the step at which it was asked to."""
    raise _interrupt()


def set_stepping(under_way: bool) -> None:
    """Say whether steps of a phase are under way, each of which looks whether it is to be the last one."""
    global _stepping
    _stepping = under_way


def _interrupt() -> KeyboardInterrupt:
    return TerminatedError() if _received == signal.SIGTERM else KeyboardInterrupt()


def _note(number: int, _: Any) -> None:
    """Handle a signal in a rank, which may come twice: from the terminal, and from the main process.

    Between phases the rank ends at once, with a status at which the main process ends all others: they would wait for
    it in their next collective. An exception might be lost there: Python ignores it in the middle of a destructor, and
    phases begin and end with many.
    """
    global _received
    _received = number
    if not _stepping:
        sys.stdout.flush()
        os._exit(1)


def _ask_training(number: int, _: Any) -> None:
    global _received
    first, _received = _received is None, number
    if not (first and _stepping):
        raise _interrupt()
    _announce()


def _ask_ranks(number: int, _: Any) -> None:
    """Pass a signal on to the ranks; a second one, or one that comes before there are any, ends the run at once."""
    global _received
    first, _received = _received is None, number
    ranks = multiprocessing.active_children()
    if not (first and ranks):
        for rank in ranks:
            rank.kill()
        raise _interrupt()
    _announce()
    for rank in ranks:
        if rank.pid:
            os.kill(rank.pid, number)


def _announce() -> None:
    print("stopping with a checkpoint after this step; a second Ctrl-C stops at once", file=sys.stderr)


def _end_children() -> None:
    """Ask the children that are left to end, and kill those that do not within ten seconds."""
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(10)
        child.kill()


ALL = (stop_on_signals, join_run)
