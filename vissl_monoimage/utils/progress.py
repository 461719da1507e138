"""Progress of a loop: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from rich.progress import Progress as Bar
from torch.utils.data import DataLoader

from vissl_monoimage.utils.distributed import is_primary

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """How much of some work is done, how fast, and how long the rest will take; shown by the primary rank alone.

    What takes less than SECONDS_BETWEEN_LINES prints no line.

    Args:
        what: the work, "features of the training images".
        total: how many units it has.
        unit: what is counted, in the singular.
    """

    def __init__(self, what: str, total: int, unit: str = "batch") -> None:
        self._what, self._total, self._unit = what, total, unit
        self._done = 0
        self._began = self._last_line = time.monotonic()
        self._lines = is_primary() and not sys.stdout.isatty()
        self._bar = Bar(transient=True) if is_primary() and not self._lines else None

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.add_task(self._what, total=self._total)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, count: int = 1) -> None:
        """Count `count` more units as done, and show it."""
        self._done += count
        if self._bar:
            self._bar.advance(self._bar.task_ids[0], count)
        now = time.monotonic()
        last = self._done == self._total and self._last_line > self._began
        if self._lines and (last or now - self._last_line >= SECONDS_BETWEEN_LINES):
            self._last_line = now
            print(self._line(now - self._began), flush=True)

    def _line(self, seconds: float) -> str:
        rate = self._done / max(seconds, 1e-9)
        left = timedelta(seconds=round((self._total - self._done) / rate))
        speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
        return f"{self._what}, {self._unit} {self._done}/{self._total}, {speed} a second, {left} left"


def track(
    items: DataLoader[Any] | Iterable[Any], what: str, unit: str = "batch", total: int | None = None
) -> Iterator[Any]:
    """Yield `items` and show the progress through them.

    Args:
        items: a loader, a sequence, or with `total` any iterable.
        what: the work.
        unit: what an item is, in the singular.
        total: how many items there are, where they have no length.
    """
    with Progress(what, len(items) if total is None else total, unit) as progress:  # type: ignore[arg-type]
        for item in items:
            yield item
            progress.advance()
