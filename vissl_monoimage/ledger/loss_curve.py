"""The loss curve of a run, kept in its checkpoint folder so that a resumed run loses none of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from vissl_monoimage.utils import jsonl

FILE_NAME = "losses.jsonl"
MAX_POINTS = 400


class LossCurve:
    """At most 400 points [iteration, loss], evenly spaced; each is the loss of that single step.

    Single steps, not means over a stretch: the curve of a resumed run then equals the uninterrupted one's.

    Args:
        folder: the run's checkpoint folder; `losses.jsonl` in it has a line [iteration, loss, seconds] a point.
        iteration: steps that the run has done already; 0 for a run that starts afresh.
        last_iteration: steps that the run will have done when it ends.

    Attributes:
        points: the points so far.
        seconds: of training up to the last of these points.
    """

    def __init__(self, folder: str | Path, iteration: int, last_iteration: int) -> None:
        self._path = Path(folder, FILE_NAME)
        self._last = last_iteration
        self._stride = max(1, math.ceil(last_iteration / (MAX_POINTS - 2)))
        kept = jsonl.cut(self._path, lambda point: _is_point(point) and point[0] <= iteration)
        self.points: list[list[Any]] = [[step, loss] for step, loss, _ in kept]
        self.seconds: float = kept[-1][2] if kept else 0.0

    def wants(self, iteration: int) -> bool:
        """Return whether the loss of this step is a point: reading a loss off a GPU makes the GPU wait."""
        return iteration in (1, self._last) or iteration % self._stride == 0

    def add(self, iteration: int, loss: float, seconds: float) -> None:
        """Append a point; a non-finite loss is stored as null.

        Args:
            iteration: of the step, counted from 1.
            loss: of that step.
            seconds: of training so far, those before an interruption included.
        """
        value = round(loss, 6) if math.isfinite(loss) else None
        self.points.append([iteration, value])
        jsonl.append(self._path, [iteration, value, round(seconds, 2)])


def _is_point(value: Any) -> bool:
    step, loss, seconds = value
    return isinstance(step, int) and (loss is None or isinstance(loss, float)) and isinstance(seconds, (int, float))
