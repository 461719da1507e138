"""Intervals and tests of comparisons: against SciPy, by hand, and by their coverage in simulated experiments."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vissl_monoimage.report.tables.inference import Values, compare, compare_paired, compare_unpaired, holm
from vissl_monoimage.report.tables.shares import Share, ratio, share_of_gain

EXPERIMENTS = 10_000
TOLERANCE = 0.0075  # 3.4 standard errors of a coverage of 95 % over 10,000 experiments

accuracies = st.lists(st.floats(20, 90), min_size=2, max_size=6).filter(lambda values: np.std(values) > 1e-3)


@given(accuracies, accuracies)
def test_p_values_and_intervals_are_those_of_scipy(first: list[float], second: list[float]) -> None:
    welch = stats.ttest_ind(first, second, equal_var=False)
    found = compare_unpaired(first, second)
    assert found.p == pytest.approx(welch.pvalue, rel=1e-6, abs=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval(0.95)), rel=1e-6, abs=1e-6)
    pairs = min(len(first), len(second))
    differences = np.subtract(first[:pairs], second[:pairs])
    if differences.std() > 1e-3:
        student = stats.ttest_rel(first[:pairs], second[:pairs])
        found = compare_paired(first[:pairs], second[:pairs])
        assert found.p == pytest.approx(student.pvalue, rel=1e-6, abs=1e-12)
        assert (found.low, found.high) == pytest.approx(tuple(student.confidence_interval(0.95)), rel=1e-6, abs=1e-6)


@given(accuracies, st.floats(0.1, 3))
def test_equivalence_is_the_larger_of_two_one_sided_tests(first: list[float], margin: float) -> None:
    second = [value + 0.3 + 0.1 * place for place, value in enumerate(first)]
    differences = np.subtract(first, second)
    above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
    assert compare_paired(first, second, margin).p_equivalence == pytest.approx(max(above, below), abs=1e-9)


def test_copies_of_one_run_differ_by_exactly_what_they_differ() -> None:
    same = compare_paired([50.0, 60.0], [50.0, 60.0])
    assert (same.mean, same.low, same.high, same.p, same.p_equivalence) == (0, 0, 0, 1, 0)
    apart = compare_paired([52.0, 62.0], [50.0, 60.0])
    assert (apart.p, apart.p_equivalence) == (0, 1)


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_paired_interval_covers_the_true_difference_in_95_percent_of_experiments(seeds: int) -> None:
    drawn = np.random.default_rng(seeds).normal(1.5, 0.8, (EXPERIMENTS, seeds))
    found = [compare_paired(values, np.zeros(seeds)) for values in drawn]
    assert np.mean([one.low <= 1.5 <= one.high for one in found]) == pytest.approx(0.95, abs=TOLERANCE)


def test_networks_exactly_a_margin_apart_are_called_equivalent_in_5_percent_of_experiments() -> None:
    drawn = np.random.default_rng(0).normal(1.0, 0.2, (EXPERIMENTS, 3))
    called = [compare_paired(values, np.zeros(3), margin=1.0).p_equivalence < 0.05 for values in drawn]
    assert np.mean(called) == pytest.approx(0.05, abs=TOLERANCE)


@pytest.mark.parametrize(("seeds", "others"), [(3, 3), (5, 3)])
def test_welchs_interval_covers_the_true_difference_whatever_the_two_spreads(seeds: int, others: int) -> None:
    """Welch's degrees of freedom are an approximation, which errs by a point at most with so few values."""
    random = np.random.default_rng(seeds)
    wide, narrow = random.normal(1.5, 0.9, (EXPERIMENTS, seeds)), random.normal(0, 0.4, (EXPERIMENTS, others))
    found = [compare_unpaired(a, b) for a, b in zip(wide, narrow, strict=True)]
    assert np.mean([one.low <= 1.5 <= one.high for one in found]) == pytest.approx(0.95, abs=TOLERANCE + 0.01)


def coverage(shares: list[Share | None], truth: float) -> float:
    """Return how often an interval holds the true share; an unbounded one holds all shares, or all but a few."""
    ends = [(share.low, share.high) if share else (None, None) for share in shares]
    return float(np.mean([low is None or high is None or low <= truth <= high for low, high in ends]))


def test_fiellers_interval_covers_the_true_share_in_95_percent_of_experiments() -> None:
    """Gains over shared random weights are correlated; the data set's gain is some 12 standard errors from 0."""
    random = np.random.default_rng(3)
    baseline, few, full = (random.normal(mean, 0.4, (EXPERIMENTS, 3)) for mean in (60.0, 62.0, 65.0))
    shares = [share_of_gain(*map(named, (a, b, c, c))) for a, b, c in zip(few, full, baseline, strict=True)]
    assert sum(share is None for share in shares) < 0.05 * EXPERIMENTS
    assert coverage(shares, 40.0) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("calibrated", [False, True])
def test_shares_over_a_baseline_of_other_trunks_cover_the_truth_in_95_to_98_percent(calibrated: bool) -> None:
    """The two pretrainings share their initial weights; the baseline started from others, and may be one for each."""
    random = np.random.default_rng(7)
    start, few, full = (random.normal(mean, 0.4, (EXPERIMENTS, 3)) for mean in (0.0, 62.0, 65.0))
    baselines = random.normal(60.0, 0.4, (2, EXPERIMENTS, 3))
    shares = [
        share_of_gain(
            named(few[i] + start[i]),
            named(full[i] + start[i]),
            named(baselines[0][i], "other "),
            named(baselines[1 if calibrated else 0][i], "another " if calibrated else "other "),
        )
        for i in range(EXPERIMENTS)
    ]
    assert sum(share is None for share in shares) < 0.05 * EXPERIMENTS
    assert 0.945 < coverage(shares, 40.0) < 0.985


@pytest.mark.parametrize(("few_mean", "full_seeds", "full_start"), [(62.0, 5, ""), (59.0, 3, "other ")])
def test_a_share_over_a_baseline_of_more_trunks_is_of_the_printed_gains_and_keeps_its_level(
    few_mean: float, full_seeds: int, full_start: str
) -> None:
    """Two trunks of the baseline have no partner among those of the few images."""
    random = np.random.default_rng(11)
    starts, starts_of_full = random.normal(0.0, 0.4, (2, 2500, 5))
    baseline, few, full = (random.normal(mean, 0.3, (2500, 5)) for mean in (60.0, few_mean, 65.0))
    shares = []
    for i in range(len(starts)):
        start_of_full = starts_of_full if full_start else starts
        over = named(baseline[i] + starts[i])
        trained = named((few[i] + starts[i])[:3]), named((full[i] + start_of_full[i])[:full_seeds], full_start)
        shares.append(share_of_gain(*trained, over, over))
        gain, whole = (compare(values, over).mean for values in trained)
        assert (share := shares[-1]) is None or share.percent == pytest.approx(100 * gain / whole)
    assert 0.94 < coverage(shares, 20 * (few_mean - 60)) < 0.99


def named(values: Iterable[float], prefix: str = "") -> Values:
    """Return {trunk: accuracy} of trunks called 0, 1, ... after `prefix`."""
    return {f"{prefix}{place}": float(value) for place, value in enumerate(values)}


def test_fiellers_interval_ends_where_a_t_test_begins_to_reject() -> None:
    parts, wholes = [2.1, 1.7, 2.6], [4.8, 5.5, 5.1]
    share = ratio(named(parts), named(wholes))
    assert share is not None
    assert share.low is not None
    assert share.high is not None
    for end in (share.low, share.high):
        residuals = np.subtract(parts, end / 100 * np.array(wholes))
        assert stats.ttest_1samp(residuals, 0).pvalue == pytest.approx(0.05)
    assert share.low < share.percent < share.high


@given(accuracies, accuracies)
def test_a_share_of_gains_over_one_baseline_is_the_ratio_of_paired_gains(few: list[float], full: list[float]) -> None:
    n = min(len(few), len(full))
    baseline = 10.0 + 0.7 * np.sin(np.arange(n))
    of_pairs = ratio(named(few[:n] - baseline), named(full[:n] - baseline))
    found = share_of_gain(named(few[:n]), named(full[:n]), named(baseline), named(baseline))
    assert (found is None) == (of_pairs is None)
    if found and of_pairs and of_pairs.high and abs(of_pairs.high) < 1e4:
        assert (found.percent, found.low, found.high) == pytest.approx(
            (of_pairs.percent, of_pairs.low, of_pairs.high), rel=1e-4, abs=1e-3
        )


def test_a_whole_that_may_be_zero_has_no_share() -> None:
    assert ratio(named([1.0, 1.2, 0.9]), named([0.3, -0.2, 0.5])) is None
    assert ratio(named([1.0]), named([-1.0])) is None
    assert ratio(named([1.0]), named([4.0])) == Share(25.0)


def test_trunks_are_pairs_only_if_each_of_the_smaller_set_has_its_partner() -> None:
    first = {"a": 50.0, "b": 52.0, "c": 55.0}
    assert compare(first, {"c": 54.0, "b": 51.5, "a": 49.0, "d": 1.0}) == compare_paired(
        [50, 52, 55], [49.0, 51.5, 54.0]
    )
    assert compare(first, {"a": 49.0, "b": 51.5, "d": 54.0}) == compare_unpaired([50, 52, 55], [49.0, 51.5, 54.0])


def test_one_seed_on_either_side_decides_nothing() -> None:
    for one in (compare({"a": 50.0}, {"a": 40.0, "b": 41.0}), compare({"x": 50.5}, {"a": 40.0, "b": 41.0})):
        assert (one.low, one.high, one.p, one.p_equivalence, one.n) == (-math.inf, math.inf, 1, 1, 1)
    assert compare({"a": 50.0}, {"a": 40.0, "b": 42.0}).mean == 10
    assert compare({"x": 50.0}, {"a": 40.0, "b": 42.0}).mean == 9


def test_holm_by_hand() -> None:
    assert holm({"conv1": 0.04, "conv2": 0.01, "conv3": 0.03, "conv4": 0.9}) == pytest.approx(
        {"conv1": 0.09, "conv2": 0.04, "conv3": 0.09, "conv4": 0.9}
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    named = {f"conv{place}": p for place, p in enumerate(p_values)}
    adjusted = holm(named)
    assert all(named[name] <= adjusted[name] <= 1 for name in named)
    by_p = sorted(named, key=lambda name: named[name])
    assert [adjusted[name] for name in by_p] == sorted(adjusted.values())
