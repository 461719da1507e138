"""Means and shares over few trained trunks, and how far they can be trusted."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

DRAWS = 10_000


@dataclasses.dataclass(frozen=True)
class Cell:
    """Mean in percent, or a difference in points, over `n` trunks; `half` is half the 95 % interval, None for n < 2."""

    mean: float
    half: float | None
    n: int

    def __str__(self) -> str:
        return self.shown("")

    def shown(self, sign: str) -> str:
        """As text; `sign` is "+" where a difference is to show that it is one."""
        mean = f"{self.mean:{sign}.1f}"
        return mean if self.half is None else f"{mean} ± {self.half:.1f}"


@dataclasses.dataclass(frozen=True)
class Share:
    """A share in percent, of any sign or size, and the ends of its 95 % interval: None where n < 2 gives none."""

    percent: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        return f"{self.percent:.0f}" if self.low is None else f"{self.percent:.0f} ({self.low:.0f} to {self.high:.0f})"


def interval(values: Sequence[float]) -> Cell:
    """Mean and half the 95 % t-interval of independent values: t(0.975, n - 1) * s / sqrt(n)."""
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Cell(mean, None, 1)
    half = float(stdtrit(n - 1, 0.975)) * statistics.stdev(values) / math.sqrt(n)
    return Cell(mean, half, n)


def bootstrap_share(parts: Sequence[float], wholes: Sequence[float]) -> Share | None:
    """100 * mean(parts) / mean(wholes) and its percentile bootstrap, part and whole of a seed drawn together.

    Args:
        parts, wholes: n values each, those of a seed at the same place.

    Returns:
        None where a draw's whole is not positive: a share of nothing means nothing.
    """
    part, whole = np.asarray(parts), np.asarray(wholes)
    if len(part) == 1:
        return Share(float(100 * part[0] / whole[0])) if whole[0] > 0 else None
    drawn = np.random.default_rng(0).integers(len(part), size=(DRAWS, len(part)))
    below = whole[drawn].mean(1)
    if below.min() <= 0:
        return None
    # Ends that were drawn: between two of them, with few seeds, there is nothing.
    low, high = np.percentile(100 * part[drawn].mean(1) / below, [2.5, 97.5], method="inverted_cdf")
    return Share(float(100 * part.mean() / whole.mean()), float(low), float(high))
