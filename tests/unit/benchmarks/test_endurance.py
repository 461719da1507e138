"""The benchmark of endurance finds growth, and does not take workers that come and go for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from benchmarks.endurance import Sample, measured, summarise


def samples(megabytes: Callable[[int], float], files: Callable[[int], int] = lambda _: 9) -> list[Sample]:
    """Samples of a rank and, every other time, of a large worker with a new number."""
    return [
        Sample(10.0 * number, {1: megabytes(number)} | ({100 + number: 900.0} if number % 2 else {}), files(number), 3)
        for number in range(40)
    ]


def test_workers_that_come_and_go_are_flat() -> None:
    summary = summarise(samples(lambda number: 500.0 + number % 3))
    assert (summary["flat"], summary["lasting"], summary["late"]["megabytes"]) == (True, 1, 501.0)


@pytest.mark.parametrize(
    "growing",
    [samples(lambda number: 500.0 + number), samples(lambda _: 500.0, files=lambda number: 9 + number // 30)],
    ids=["memory", "files"],
)
def test_growth_is_not_flat(growing: list[Sample]) -> None:
    assert summarise(growing)["flat"] is False


@pytest.fixture
def session() -> Iterator[int]:
    """A process in a session of its own that holds 64 MB and two pipes."""
    code = "import sys; kept = bytearray(b'x') * (1 << 26); print(flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, start_new_session=True) as process:
        process.stdout.readline()  # type: ignore[union-attr]
        yield process.pid
        process.stdin.close()  # type: ignore[union-attr]


def test_memory_files_and_threads_of_a_session_are_those_of_its_processes(session: int) -> None:
    sample = measured(session, 0.0)
    assert list(sample.resident) == [session]
    assert 64 < sample.resident[session] < 200
    assert (sample.files, sample.threads) == (len(os.listdir(f"/proc/{session}/fd")), 1)
