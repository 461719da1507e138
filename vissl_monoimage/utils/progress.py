"""Progress of a loop: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from rich.progress import track as rich_track
from torch.utils.data import DataLoader

from vissl_monoimage.utils.distributed import is_primary

SECONDS_BETWEEN_LINES = 10.0


def track(batches: DataLoader[Any] | Sequence[Any], what: str, unit: str = "batch") -> Iterable[Any]:
    """The batches, with their progress on the primary rank: a bar on a terminal, elsewhere a line now and then."""
    if not is_primary():
        return batches
    return rich_track(batches, what, transient=True) if sys.stdout.isatty() else _track_in_lines(batches, what, unit)


def _track_in_lines(batches: DataLoader[Any] | Sequence[Any], what: str, unit: str) -> Iterator[Any]:
    began = last = time.monotonic()
    for done, batch in enumerate(batches, 1):
        yield batch
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES or done == len(batches):
            last = now
            left = timedelta(seconds=round((now - began) / done * (len(batches) - done)))
            print(f"{what}, {unit} {done}/{len(batches)}, {left} left", flush=True)
