"""Means, differences and shares over a few trained trunks, with 95 % intervals."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 10_000


@dataclasses.dataclass(frozen=True)
class Cell:
    """A mean over independently trained trunks with its interval.

    Attributes:
        mean: in percent, or in points for a difference.
        half_width: half the width of the 95 % interval, in the unit of `mean`; None where n < 2.
        n: number of trunks, or of pairs of trunks.
    """

    mean: float
    half_width: float | None
    n: int

    def __str__(self) -> str:
        return self.format()

    def format(self, sign: str = "") -> str:
        """Return the cell as text, `61.5 ± 0.4`; `sign="+"` writes the sign of positive means too."""
        mean = f"{self.mean:{sign}.1f}"
        return mean if self.half_width is None else f"{mean} ± {self.half_width:.1f}"


@dataclasses.dataclass(frozen=True)
class Share:
    """A share with its 95 % interval.

    Attributes:
        percent: the share; it may be negative or above 100.
        low, high: ends of the interval in percent; None where n < 2.
    """

    percent: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        return f"{self.percent:.0f}" if self.low is None else f"{self.percent:.0f} ({self.low:.0f} to {self.high:.0f})"


def interval(values: Sequence[float]) -> Cell:
    """Return the mean of independent values and its 95 % t-interval, t(0.975, n - 1) * s / sqrt(n)."""
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Cell(mean, None, 1)
    return Cell(mean, float(stdtrit(n - 1, 0.975)) * statistics.stdev(values) / math.sqrt(n), n)


def bootstrap_share(parts: Sequence[float], wholes: Sequence[float]) -> Share | None:
    """Return 100 * mean(parts) / mean(wholes) with its percentile bootstrap interval.

    `scipy.stats.bootstrap` is not used: its percentiles interpolate between resamples, and over three seeds there is
    nothing between one resample and the next.

    Args:
        parts: n values.
        wholes: n values, in the same order of seeds; the two values of a seed are resampled together.

    Returns:
        None if the mean of `wholes` is not positive in every resample: the share would mean nothing.
    """
    part, whole = np.asarray(parts), np.asarray(wholes)
    if len(part) == 1:
        return Share(float(100 * part[0] / whole[0])) if whole[0] > 0 else None
    drawn = np.random.default_rng(0).integers(len(part), size=(RESAMPLES, len(part)))
    denominators = whole[drawn].mean(1)
    if denominators.min() <= 0:
        return None
    low, high = np.percentile(100 * part[drawn].mean(1) / denominators, [2.5, 97.5], method="inverted_cdf")
    return Share(float(100 * part.mean() / whole.mean()), float(low), float(high))
