"""Progress of a loop: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from rich.progress import Progress
from torch.utils.data import DataLoader

from vissl_monoimage.utils.distributed import is_primary

SECONDS_BETWEEN_LINES = 10.0

Report = Callable[[int, int], None]
"""Called as report(done, total): how many units of how many are done."""


def track(batches: DataLoader[Any] | Sequence[Any], what: str, unit: str = "batch") -> Iterable[Any]:
    """Return the batches; iterating over them shows the progress on the primary rank."""
    return _tracked(batches, what, unit) if is_primary() else batches


def _tracked(batches: DataLoader[Any] | Sequence[Any], what: str, unit: str) -> Iterator[Any]:
    with progress(what, unit) as report:
        for done, batch in enumerate(batches, 1):
            yield batch
            report(done, len(batches))


@contextlib.contextmanager
def progress(what: str, unit: str) -> Iterator[Report]:
    """Show the progress of work that calls the yielded function whenever more of it is done.

    Args:
        what: name of the work, such as "features of the train images".
        unit: what is counted, in the singular.
    """
    if not sys.stdout.isatty():
        yield _Lines(what, unit)
        return
    with Progress(transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    """A line at most every `SECONDS_BETWEEN_LINES`, and one at the end."""

    def __init__(self, what: str, unit: str) -> None:
        self._what, self._unit = what, unit
        self._began = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES or done == total:
            self._last = now
            left = timedelta(seconds=round((now - self._began) / done * (total - done)))
            print(f"{self._what}, {self._unit} {done}/{total}, {left} left", flush=True)
