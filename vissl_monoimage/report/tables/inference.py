"""Tests and intervals of comparisons over a few seeds: Student, Welch, equivalence, Holm.

With three seeds a percentile bootstrap is no wider than the range of its values. The methods here keep their level for
independent, normally distributed values at any number of seeds, two included. Values are mappings {trunk: accuracy}:
trunks of the same name share their initial weights, and are compared as pairs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
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


def compare(first: Values, second: Values) -> Comparison:
    """Compare trunks pairwise if those of the smaller set all have their partner in the other, else by Welch's test.

    Args:
        first: {trunk: accuracy in percent}.
        second: the same of other experiments; trunks of the same name share their initial weights.
    """
    both = aligned(first, second)
    is_paired = list(both[0]) == list(both[1])
    one, other = (list(values.values()) for values in both)
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
    half_width = t_quantile(freedom) * error
    if error == 0:  # equal differences, as of copies of one run
        p, p_equivalence = float(mean == 0), float(abs(mean) >= margin)
    else:
        p = float(2 * stdtr(freedom, -abs(mean) / error))
        p_equivalence = float(stdtr(freedom, (abs(mean) - margin) / error))
    return Comparison(mean, mean - half_width, mean + half_width, p, p_equivalence, paired, n)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return the p-values of a family of tests, adjusted after Holm (1979), under the same names."""
    order = sorted(p_values, key=lambda name: p_values[name])
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, name in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def is_nested(first: Collection[str], second: Collection[str]) -> bool:
    """Return whether one of two sets of trunks has all trunks of the other."""
    return len(set(first) & set(second)) == min(len(first), len(second))


def aligned(first: Values, second: Values) -> tuple[Values, Values]:
    """Return both sets in the order of their trunks, cut to the shared ones if these are all of the smaller set."""
    kept = set(first) & set(second) if is_nested(first, second) else set(first) | set(second)
    one, other = ({trunk: values[trunk] for trunk in sorted(values) if trunk in kept} for values in (first, second))
    return one, other


def t_quantile(freedom: float) -> float:
    """Return the quantile of Student's t that ends two-sided intervals."""
    return float(stdtrit(freedom, 1 - LEVEL / 2))
