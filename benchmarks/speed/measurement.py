"""What a speed benchmark returns, and how it takes turns with its peers."""

from __future__ import annotations

import dataclasses
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number beside its goal.

    Args:
        name: what was measured.
        unit: of `ours` and `peer`, e.g. `images/s`.
        ours: our value, a median over rounds.
        peer: the peer's, or None where the goal is absolute.
        ratio: what the goal is a bound of: a ratio of the two, or `ours` itself.
        at_least: the least `ratio` that reaches the goal, or None.
        at_most: the largest `ratio` that reaches the goal, or None. With neither bound, the figure has no goal.
        reason: why the goal was not reached, if that is understood.
    """

    name: str
    unit: str
    ours: float
    peer: float | None
    ratio: float
    at_least: float | None = None
    at_most: float | None = None
    reason: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.at_least is not None:
            return self.ratio >= self.at_least
        return None if self.at_most is None else self.ratio <= self.at_most


@dataclasses.dataclass(frozen=True)
class Measurement:
    """The figures of one benchmark.

    Args:
        title: a heading.
        peer: what ours is compared with, as a sentence.
        time: `process` for user and system time, `wall` for what a clock on the wall shows.
        figures: the results.
        rounds: what was measured in each round, as JSON.
    """

    title: str
    peer: str
    time: str
    figures: tuple[Figure, ...]
    rounds: Any


def take_turns(kinds: Mapping[str, Callable[[], float]], rounds: int) -> list[dict[str, float]]:
    """Return, for each round, the value of each kind; within a round the kinds run one after the other."""
    return [{kind: measure() for kind, measure in kinds.items()} for _ in range(rounds)]


def median_of(rounds: list[dict[str, float]], kind: str) -> float:
    """Return the median of a kind over the rounds."""
    return statistics.median(values[kind] for values in rounds)


def median_ratio(rounds: list[dict[str, float]], above: str, below: str) -> float:
    """Return the median over rounds of the ratio of two kinds, which noise that lasts a round does not change."""
    return statistics.median(values[above] / values[below] for values in rounds)


def process_seconds_of(work: Callable[[], object]) -> float:
    """Return the user and system time that `work` takes in this process and in those it starts and waits for."""
    began = time.process_time() + _seconds_of_children()
    work()
    return time.process_time() + _seconds_of_children() - began


def _seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def link_images(source: Path, target: Path, images: int) -> None:
    """Make `target` a folder of classes with links to the first files of each class of `source`."""
    classes = sorted(path for path in source.resolve().iterdir() if path.is_dir())
    for folder in classes:
        (target / folder.name).mkdir(parents=True)
        for file in sorted(folder.iterdir())[: -(-images // len(classes))]:
            (target / folder.name / file.name).symlink_to(file)


def machine() -> str:
    """Return the name of the CPU and the number of its cores that this process may use."""
    import torch

    from vissl_monoimage.utils.precision import cpu_has_bfloat16

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = f"{torch.backends.cpu.get_cpu_capability()}{', bfloat16' if cpu_has_bfloat16() else ''}"
    return f"{names[0] if names else platform.machine()}, {flags}, {torch.get_num_threads()} thread"
