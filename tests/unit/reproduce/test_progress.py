"""The time that is left of a benchmark, and durations in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from vissl_monoimage.reproduce.progress import Progress, format_minutes
from vissl_monoimage.reproduce.run import Run


def test_the_time_left_follows_the_pace_of_the_runs_done(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [Run(f"run {number}", Path(str(number)), (), 10, 0) for number in range(4)]
    clock = Progress(runs, jobs=2)
    clock.finish(runs[0], 20 * 60)  # twice as long as planned: 30 planned minutes are 60, by two at a time 30
    assert capsys.readouterr().out == "[1/4] run 0: 20 min 0 s, about 30 min 0 s left\n"


@pytest.mark.parametrize(
    ("minutes", "text"), [(0.5, "30 s"), (2.5, "2 min 30 s"), (90, "1 h 30 min"), (59.999, "1 h 0 min")]
)
def test_minutes_are_spelled(minutes: float, text: str) -> None:
    assert format_minutes(minutes) == text
