"""Tests and intervals of comparisons over a few seeds: Student, Welch, Fieller, equivalence, Holm.

With three seeds a percentile bootstrap is no wider than the range of its values. The methods here keep their level for
independent, normally distributed values at any number of seeds, two included. Values are mappings {trunk: accuracy}:
trunks of the same name share their initial weights, and are compared as pairs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

Values = Mapping[str, float]

LEVEL = 0.05
MARGIN = 1.0
"""Points of accuracy within which two networks count as equal; fixed before the runs that it judges.

It is less than what choices that teach nothing move a layer by: 2 to 4 points are gained by batch norms that have seen
images, 1 to 3 lie between one photo and another in the paper's tables.
"""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The difference of two sets of accuracies.

    Attributes:
        mean: first less second, in points.
        low, high: ends of the 95 % interval in points; infinite for a single value on one of the sides.
        p: two-sided p-value of "no difference"; 1 for a single value.
        p_equivalence: p-value of "at least `MARGIN` points apart" (two one-sided tests); 1 for a single value.
        paired: whether the values were paired by initial weights; Welch's test otherwise.
        n: number of pairs, or of values in the smaller set.
    """

    mean: float
    low: float
    high: float
    p: float
    p_equivalence: float
    paired: bool
    n: int


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


def compare(first: Values, second: Values) -> Comparison:
    """Compare trunks pairwise if those of the smaller set all have their partner in the other, else by Welch's test.

    Args:
        first: {trunk: accuracy in percent}.
        second: the same of other experiments; trunks of the same name share their initial weights.
    """
    aligned = _aligned(first, second)
    is_paired = list(aligned[0]) == list(aligned[1])
    one, other = (list(values.values()) for values in aligned)
    if min(len(one), len(other)) < 2:
        return Comparison(float(np.mean(one) - np.mean(other)), -math.inf, math.inf, 1.0, 1.0, is_paired, 1)
    return compare_paired(one, other) if is_paired else compare_unpaired(one, other)


def compare_paired(first: Sequence[float], second: Sequence[float], margin: float = MARGIN) -> Comparison:
    """Compare values that share their initial weights pairwise: Student's t on the n >= 2 differences."""
    differences = np.subtract(first, second)
    n = len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    return _comparison(float(differences.mean()), error, n - 1, margin, paired=True, n=n)


def compare_unpaired(first: Sequence[float], second: Sequence[float], margin: float = MARGIN) -> Comparison:
    """Compare two independent sets of at least two values each: Welch's t with Satterthwaite's degrees of freedom."""
    errors = [float(np.var(values, ddof=1)) / len(values) for values in (first, second)]
    squares = sum(error**2 / (len(values) - 1) for error, values in zip(errors, (first, second), strict=True))
    freedom = sum(errors) ** 2 / squares if squares else min(len(first), len(second)) - 1
    mean = float(np.mean(first) - np.mean(second))
    n = min(len(first), len(second))
    return _comparison(mean, math.sqrt(sum(errors)), freedom, margin, paired=False, n=n)


def _comparison(mean: float, error: float, freedom: float, margin: float, *, paired: bool, n: int) -> Comparison:
    half_width = _t_quantile(freedom) * error
    if error == 0:  # equal differences, as of copies of one run
        p, p_equivalence = float(mean == 0), float(abs(mean) >= margin)
    else:
        p = float(2 * stdtr(freedom, -abs(mean) / error))
        p_equivalence = float(stdtr(freedom, (abs(mean) - margin) / error))
    return Comparison(mean, mean - half_width, mean + half_width, p, p_equivalence, paired, n)


def share_of_gain(few: Values, full: Values, few_baseline: Values, full_baseline: Values) -> Share | None:
    """Return 100 * (few - few_baseline) / (full - full_baseline), of means, with its 95 % interval (`fieller`).

    Sets of the same trunks count as correlated, all others as independent. The degrees of freedom are n - 1 for four
    sets of the same n trunks, else Satterthwaite's at the share itself, as in Welch's test.

    Returns:
        None where the interval is unbounded because the gain of `full` is not distinguishable from 0, or where that
        gain is not positive; a share without interval where a set has a single value.
    """
    gain = compare(full, full_baseline)
    if gain.n > 1 and gain.low <= 0:  # says so of a single value of `few` too, which has no interval of its own
        return None
    gains = np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]])
    return _share(_aligned(few, full, few_baseline, full_baseline), gains)


def ratio(part: Values, whole: Values) -> Share | None:
    """Return 100 * part / whole, of means, with its 95 % interval; None where it is unbounded."""
    return _share(_aligned(part, whole), np.eye(2))


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
    t_squared = _t_quantile(freedom) ** 2
    quadratic = whole**2 - t_squared * covariance[1, 1]
    if quadratic <= 0 or whole <= 0:
        return None
    linear = part * whole - t_squared * covariance[0, 1]
    constant = part**2 - t_squared * covariance[0, 0]
    root = math.sqrt(max(linear**2 - quadratic * constant, 0.0))
    return Share(
        *(100 * float(value) for value in (part / whole, (linear - root) / quadratic, (linear + root) / quadratic))
    )


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return the p-values of a family of tests, adjusted after Holm (1979), under the same names."""
    order = sorted(p_values, key=lambda name: p_values[name])
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, name in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def _share(sets: Sequence[Values], weights: npt.NDArray[np.float64]) -> Share | None:
    """Return the share of two weighted sums of the means of `sets`; without interval where a set has a single value."""
    part, whole = map(float, weights @ [float(np.mean(list(values.values()))) for values in sets])
    smallest = min(map(len, sets))
    if smallest < 2:
        return Share(100 * part / whole) if whole > 0 else None
    freedom = _freedom(sets, weights[0] - part / whole * weights[1] if whole else weights[0])
    return fieller(part, whole, weights @ _covariance(sets) @ weights.T, freedom)


def _freedom(sets: Sequence[Values], weights: npt.NDArray[np.float64]) -> float:
    """Return Satterthwaite's degrees of freedom of a weighted sum of means; sets of the same trunks count as one."""
    sums: dict[tuple[str, ...], npt.NDArray[np.float64]] = {}
    for values, weight in zip(sets, weights, strict=True):
        trunks, weighted = tuple(values), weight * np.array(list(values.values()))
        sums[trunks] = sums.get(trunks, 0.0) + weighted
    squares = total = 0.0
    for added in sums.values():
        error = float(added.var(ddof=1)) / len(added)
        total, squares = total + error, squares + error**2 / (len(added) - 1)
    return total**2 / squares if squares else min(map(len, sets)) - 1


def _covariance(sets: Sequence[Values]) -> npt.NDArray[np.float64]:
    """Return the covariance matrix of the means of `sets`; 0 between sets of different trunks."""
    deviations = [np.array(list(values.values())) - np.mean(list(values.values())) for values in sets]
    matrix = np.zeros((len(sets), len(sets)))
    for row, first in enumerate(sets):
        for column, second in enumerate(sets):
            if list(first) == list(second):
                n = len(first)
                matrix[row, column] = deviations[row] @ deviations[column] / (n - 1) / n
    return matrix


def _aligned(*sets: Values) -> list[Values]:
    """Return the sets in the order of their trunks, cut to the shared ones if these are all of the smallest set."""
    shared = set.intersection(*map(set, sets))
    kept = shared if len(shared) == min(map(len, sets)) else set().union(*sets)
    return [{trunk: values[trunk] for trunk in sorted(values) if trunk in kept} for values in sets]


def _t_quantile(freedom: float) -> float:
    return float(stdtrit(freedom, 1 - LEVEL / 2))
