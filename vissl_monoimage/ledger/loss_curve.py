"""The loss curve of a run, kept in its checkpoint folder so that a resumed run loses none of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from vissl_monoimage.ledger.io import append_text, replace_text

FILE_NAME = "losses.jsonl"
MAX_POINTS = 400


class LossCurve:
    """At most 400 points [iteration, loss], evenly spaced, each the loss of that step as it was.

    Single steps, not means over a stretch: the curve of a resumed run then equals the uninterrupted one's.
    """

    def __init__(self, folder: str | Path, iteration: int, last_iteration: int) -> None:
        """Continue at `iteration` (0 starts afresh) a run of `last_iteration` steps."""
        self._path = Path(folder, FILE_NAME)
        self._last = last_iteration
        self._stride = max(1, math.ceil(last_iteration / (MAX_POINTS - 2)))
        kept = [point for point in _read(self._path) if point[0] <= iteration]
        self.points: list[list[Any]] = [[step, loss] for step, loss, _ in kept]
        self.seconds: float = kept[-1][2] if kept else 0.0
        replace_text(self._path, "".join(json.dumps(point) + "\n" for point in kept))

    def wants(self, iteration: int) -> bool:
        """Whether this step's loss is a point: reading it off a GPU makes the GPU wait."""
        return iteration in (1, self._last) or iteration % self._stride == 0

    def add(self, iteration: int, loss: float, seconds: float) -> None:
        """Keep a point; `seconds` of training so far, resumed ones included. A non-finite loss is null."""
        value = round(loss, 6) if math.isfinite(loss) else None
        self.points.append([iteration, value])
        append_text(self._path, json.dumps([iteration, value, round(seconds, 2)]) + "\n")


def _read(path: Path) -> list[list[Any]]:
    """The points on disk up to the first broken line: a kill tears the last one at most."""
    points: list[list[Any]] = []
    if not path.is_file():
        return points
    for line in path.read_text().splitlines():
        try:
            point = json.loads(line)
        except json.JSONDecodeError:
            break
        points.append(point)
    return points
