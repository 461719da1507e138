"""What a plan would run, before it does."""

from __future__ import annotations

from collections.abc import Sequence

from vissl_monoimage.reproduce.progress import format_minutes
from vissl_monoimage.reproduce.run import Chain, Run
from vissl_monoimage.reproduce.runner import finished


def print_plan(chains: Sequence[Chain], left: Sequence[Chain], jobs: int) -> list[Run]:
    """Print the runs to do, a line a chain with the minutes of one core, and their sum; return these runs.

    Args:
        chains: all chains of the plan.
        left: those without rows yet.
        jobs: how many run at a time.
    """
    to_do: list[Run] = []
    for chain in left:
        runs = [run for run in chain.runs if not finished(run.folder)]
        if runs:
            minutes = format_minutes(sum(run.minutes for run in runs))
            print(f"  {'; '.join(run.title for run in runs)}: {minutes}")
        to_do += runs
    minutes_left = sum(run.minutes for run in to_do)
    total = len({run.folder for chain in chains for run in chain.runs})
    print(
        f"{total} runs, {total - len(to_do)} finished; to do: {len(to_do)} in {format_minutes(minutes_left)} of one "
        f"core, {format_minutes(minutes_left / jobs)} with {jobs} at a time, "
        f"{sum(run.megabytes for run in to_do) / 1000:.1f} GB",
        flush=True,
    )
    return to_do
