"""Shares of one gain in another over a few seeds, with Fieller's interval.

Values are mappings {trunk: accuracy} as in `inference`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from vissl_monoimage.report.tables.inference import Values, aligned, compare, is_nested, t_quantile


@dataclasses.dataclass(frozen=True)
class Share:
    """A share with its 95 % interval.

    Attributes:
        percent: the share; it may be negative or above 100.
        low, high: ends of the interval in percent; None for a single value on one of the sides.
    """

    percent: float
    low: float | None = None
    high: float | None = None


def share_of_gain(few: Values, full: Values, few_baseline: Values, full_baseline: Values) -> Share | None:
    """Return 100 * (few - few_baseline) / (full - full_baseline), of means, with its 95 % interval (`fieller`).

    Each of the two gains is of the same trunks as `compare` has it of. Sets of the same trunks, or of a part of them,
    count as correlated, all others as independent. The degrees of freedom are n - 1 for four sets of the same n trunks,
    else Satterthwaite's at the share itself, as in Welch's test.

    Returns:
        None where the interval is unbounded because the gain of `full` is not distinguishable from 0, or where that
        gain is not positive; a share without interval where a set has a single value.
    """
    gain = compare(full, full_baseline)
    if gain.n > 1 and gain.low <= 0:  # says so of a single value of `few` too, which has no interval of its own
        return None
    gains = np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]])
    (few, few_baseline), (full, full_baseline) = aligned(few, few_baseline), aligned(full, full_baseline)
    return _share([few, full, few_baseline, full_baseline], gains)


def ratio(part: Values, whole: Values) -> Share | None:
    """Return 100 * part / whole, of means, with its 95 % interval; None where it is unbounded."""
    return _share(aligned(part, whole), np.eye(2))


def fieller(part: float, whole: float, covariance: npt.NDArray[np.float64], freedom: float) -> Share | None:
    """Return 100 * part / whole with its 95 % interval by Fieller's theorem.

    Fieller, "Some problems in interval estimation", Journal of the Royal Statistical Society B 16 (1954).

    Args:
        part: a mean.
        whole: another mean.
        covariance: of the two, 2 by 2.
        freedom: degrees of freedom of the covariance.

    Returns:
        None where the interval is unbounded because `whole` is not distinguishable from 0, or where it is not
        positive.
    """
    t_squared = t_quantile(freedom) ** 2
    quadratic = whole**2 - t_squared * covariance[1, 1]
    if quadratic <= 0 or whole <= 0:
        return None
    linear = part * whole - t_squared * covariance[0, 1]
    constant = part**2 - t_squared * covariance[0, 0]
    root = math.sqrt(max(linear**2 - quadratic * constant, 0.0))
    return Share(
        *(100 * float(value) for value in (part / whole, (linear - root) / quadratic, (linear + root) / quadratic))
    )


def _share(sets: Sequence[Values], weights: npt.NDArray[np.float64]) -> Share | None:
    """Return the share of two weighted sums of the means of `sets`; without interval where a set has a single value."""
    part, whole = map(float, weights @ [float(np.mean(list(values.values()))) for values in sets])
    smallest = min(map(len, sets))
    if smallest < 2:
        return Share(100 * part / whole) if whole > 0 else None
    freedom = _freedom(sets, weights[0] - part / whole * weights[1] if whole else weights[0])
    return fieller(part, whole, weights @ _covariance(sets) @ weights.T, freedom)


def _freedom(sets: Sequence[Values], weights: npt.NDArray[np.float64]) -> float:
    """Return Satterthwaite's degrees of freedom of a weighted sum of means; sets of the same trunks count as one.

    If a set is of a part of the trunks of another, those of the smallest set, which keeps the level of the intervals.
    """
    sums: dict[tuple[str, ...], npt.NDArray[np.float64]] = {}
    for values, weight in zip(sets, weights, strict=True):
        trunks, weighted = tuple(values), weight * np.array(list(values.values()))
        sums[trunks] = sums.get(trunks, 0.0) + weighted
    least = min(map(len, sets)) - 1
    if any(is_nested(first, second) for first, second in itertools.combinations(sums, 2)):
        return least
    squares = total = 0.0
    for added in sums.values():
        error = float(added.var(ddof=1)) / len(added)
        total, squares = total + error, squares + error**2 / (len(added) - 1)
    return total**2 / squares if squares else least


def _covariance(sets: Sequence[Values]) -> npt.NDArray[np.float64]:
    """Return the covariance matrix of the means of `sets`; 0 between sets unless one has all trunks of the other."""
    deviations = [_deviations(values, values) for values in sets]
    matrix = np.zeros((len(sets), len(sets)))
    for row, first in enumerate(sets):
        for column, second in enumerate(sets[: row + 1]):
            if list(first) == list(second):
                one, other = deviations[row], deviations[column]
            elif is_nested(first, second):
                shared = [trunk for trunk in first if trunk in second]
                one, other = _deviations(first, shared), _deviations(second, shared)
            else:
                continue
            covariance = one @ other / (len(one) - 1)
            matrix[row, column] = matrix[column, row] = covariance * len(one) / (len(first) * len(second))
    return matrix


def _deviations(values: Values, trunks: Iterable[str]) -> npt.NDArray[np.float64]:
    kept = np.array([values[trunk] for trunk in trunks])
    return kept - kept.mean()
