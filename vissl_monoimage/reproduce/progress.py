"""Progress of a benchmark: runs done, and the time that the others will take."""

from __future__ import annotations

from collections.abc import Sequence

from vissl_monoimage.reproduce.run import Run


class Progress:
    """Print what is done and how long the rest takes: the minutes of the plan, scaled by the pace of the runs so far.

    Args:
        runs: what is to be done.
        jobs: how many run at a time.
    """

    def __init__(self, runs: Sequence[Run], jobs: int) -> None:
        self._total, self._jobs = len(runs), jobs
        self._left = sum(run.minutes for run in runs)
        self._done, self._planned, self._taken = 0, 0.0, 0.0

    def finish(self, run: Run, seconds: float) -> None:
        """Print a line for a run that has ended after `seconds`."""
        self._done += 1
        self._planned += run.minutes
        self._taken += seconds / 60
        self._left -= run.minutes
        pace = self._taken / self._planned if self._planned else 1.0
        left = format_minutes(self._left * pace / self._jobs)
        took = format_minutes(seconds / 60)
        print(f"[{self._done}/{self._total}] {run.title}: {took}, about {left} left", flush=True)


def format_minutes(minutes: float) -> str:
    """Return a duration in words: 2.5 is `2 min 30 s`, 90 is `1 h 30 min`."""
    seconds = round(minutes * 60)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
