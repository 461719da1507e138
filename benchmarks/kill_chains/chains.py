"""Chains of a kind: a run that is killed and started again until it ends by itself."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from kinds import COMMANDS, GRID
from outcome import Outcome
from process import CHILDREN_END, LIMIT, kill, start, wait

MOST_KILLS = 4  # of a chain


@dataclass
class Chain:
    """One folder: the seconds after which its starts were killed, and what was wrong in the end."""

    kind: str
    killed_after: list[float] = field(default_factory=list)
    children_ended_after: float = 0.0
    problems: list[str] = field(default_factory=list)


def chains(kind: str, work: Path, kills: int, seed: int) -> Iterator[Chain]:
    """Run a kind once undisturbed, and then yield chains of it until there were `kills` kills.

    A kill comes at a moment drawn uniformly from the undisturbed run's duration; every third hits the main process
    alone, as the kernel does when memory runs out. The chains are in the folder of the undisturbed run: paths are in
    checkpoints and rows.
    """
    folder, draw = work / kind, random.Random(f"{kind} {seed}")
    _prepare(folder)
    began, pid = time.monotonic(), start(COMMANDS[kind], folder)
    if (status := wait(pid)) != 0:
        if status is None:
            kill(pid, main_only=False)
        yield Chain(kind, problems=[f"the undisturbed run failed: {_last_line(folder)}"])
        return
    duration, expected = time.monotonic() - began, Outcome.of(folder / "out")
    for number in range(4 * kills):
        _prepare(folder)
        chain = _chain(kind, folder, draw, min(kills, MOST_KILLS), duration)
        if not chain.problems:
            chain.problems += Outcome.of(folder / "out").differences(expected)
        if chain.problems:
            shutil.copytree(folder, work / f"{kind}-chain{number}", symlinks=True)
        yield chain
        kills -= len(chain.killed_after)
        if kills <= 0:
            return


def _chain(kind: str, folder: Path, draw: random.Random, kills: int, duration: float) -> Chain:
    """Start, kill and start again, `kills` times at most, until the run ends by itself."""
    chain = Chain(kind)
    while not chain.problems:
        moment = draw.uniform(0.0, duration) if len(chain.killed_after) < kills else LIMIT
        pid, began = start(COMMANDS[kind], folder), time.monotonic()
        status = wait(pid, moment)
        if status == 0:
            break
        if status is not None:
            chain.problems.append(f"exit {status}: {_last_line(folder)}")
        elif moment == LIMIT:
            kill(pid, main_only=False)
            chain.problems.append(f"not done after {LIMIT:.0f} s")
        else:
            chain.killed_after.append(round(time.monotonic() - began, 3))
            seconds = kill(pid, main_only=len(chain.killed_after) % 3 == 1)
            chain.children_ended_after = max(chain.children_ended_after, seconds)
            if seconds > CHILDREN_END:
                chain.problems.append(f"children outlived their parent by {seconds:.0f} s")
    return chain


def _prepare(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(GRID))


def _last_line(folder: Path) -> str:
    lines = (folder / "stderr").read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "nothing on standard error")
