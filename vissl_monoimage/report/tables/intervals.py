"""Means over a few trained trunks, with 95 % intervals."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from scipy.special import stdtrit


@dataclasses.dataclass(frozen=True)
class Cell:
    """A mean over independently trained trunks with its interval.

    Attributes:
        mean: in percent.
        half_width: half the width of the 95 % interval, in the unit of `mean`; None where n < 2.
        n: number of trunks.
    """

    mean: float
    half_width: float | None
    n: int

    def __str__(self) -> str:
        mean = f"{self.mean:.1f}"
        return mean if self.half_width is None else f"{mean} ± {self.half_width:.1f}"


def interval(values: Sequence[float]) -> Cell:
    """Return the mean of independent values and its 95 % t-interval, t(0.975, n - 1) * s / sqrt(n)."""
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Cell(mean, None, 1)
    return Cell(mean, float(stdtrit(n - 1, 0.975)) * statistics.stdev(values) / math.sqrt(n), n)
