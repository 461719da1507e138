"""Clustering against scikit-learn and brute force; the rule for empty clusters; the draws of an epoch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import normalized_mutual_info_score

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.pretext.deepcluster import extraction
from vissl_monoimage.pretext.deepcluster.clustering import Features, Whitening, k_means
from vissl_monoimage.pretext.deepcluster.extraction import Reducer
from vissl_monoimage.pretext.deepcluster.record import describe
from vissl_monoimage.pretext.deepcluster.sampler import even_draws


def correlated(count: int, width: int, seed: int = 0) -> Features:
    """Gaussian features whose directions vary by different amounts and are mixed."""
    rng = np.random.default_rng(seed)
    scales = np.linspace(3, 0.3, width)
    return (rng.normal(size=(count, width)) * scales @ rng.normal(size=(width, width)) + 5).astype(np.float32)


def blobs(centres: int, each: int, width: int = 8, seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(centres, width)) * 20
    return (np.repeat(middle, each, axis=0) + rng.normal(size=(centres * each, width))).astype(np.float32)


def test_whitening_is_scikit_learns_up_to_the_sign_of_each_direction() -> None:
    features = correlated(500, 12)
    oracle = PCA(5, whiten=True, svd_solver="full").fit_transform(features.astype(np.float64))
    expected = oracle / np.linalg.norm(oracle, axis=1, keepdims=True)
    found = Whitening(features, 5)(features)
    signs = np.sign((expected * found).sum(0))
    np.testing.assert_allclose(found * signs, expected, atol=1e-3)


def test_what_does_not_vary_is_not_blown_up() -> None:
    features = np.zeros((50, 6), np.float32)
    features[:, 0] = np.linspace(-1, 1, 50)
    found = Whitening(features, 4)(features)
    np.testing.assert_allclose(np.abs(found[:, 0]), 1, atol=1e-3)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-3)


def test_features_that_are_all_alike_give_finite_points() -> None:
    features = np.full((20, 6), 3.0, np.float32)
    assert np.isfinite(Whitening(features, 4)(features)).all()


def test_fewer_samples_than_dimensions_give_as_many_dimensions_as_samples() -> None:
    features = correlated(5, 12)
    assert Whitening(features, 10)(features).shape == (5, 5)


def test_assignments_are_to_the_nearest_of_the_centroids() -> None:
    """Brute force: with k-means converged, a cluster's centroid is the mean of its members."""
    points = blobs(6, 40)
    found = k_means(points, 6, 50, seed=1)
    centroids = np.stack([points[found == number].mean(0) for number in range(6)])
    distances = ((points[:, None] - centroids[None]) ** 2).sum(2)
    np.testing.assert_array_equal(distances.argmin(1), found)


def test_clusters_are_about_as_tight_as_scikit_learns() -> None:
    points = correlated(600, 6)
    found = k_means(points, 10, 50, seed=0)
    oracle = KMeans(10, n_init=10, random_state=0).fit(points)
    spread = sum(((points[found == n] - points[found == n].mean(0)) ** 2).sum() for n in np.unique(found))
    assert spread < 1.15 * oracle.inertia_


def test_the_same_seed_gives_the_same_clusters_and_another_seed_others() -> None:
    points = correlated(300, 6)
    first, again, other = k_means(points, 12, 5, 3), k_means(points, 12, 5, 3), k_means(points, 12, 5, 4)
    np.testing.assert_array_equal(first, again)
    assert normalized_mutual_info_score(first, other) < 0.99


def test_clusters_without_samples_stay_empty_and_nothing_fails() -> None:
    """Three distinct points for eight clusters: at least five must end empty."""
    points = np.repeat(np.eye(3, 4, dtype=np.float32), 20, axis=0)
    found = k_means(points, 8, 20, seed=0)
    assert len(np.unique(found)) <= 3
    assert ((found >= 0) & (found < 8)).all()
    drawn = found[even_draws(found, 60, np.random.default_rng(0))]
    counts = Counter(drawn.tolist())
    assert set(counts) == set(found.tolist())
    assert max(counts.values()) - min(counts.values()) <= 1


def test_more_clusters_than_samples_is_an_error_that_says_so() -> None:
    with pytest.raises(MonoImageError, match=r"DEEPCLUSTER\.K=9 is more than the 8 samples: give at most 8"):
        k_means(correlated(8, 4), 9, 5, seed=0)


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=80),
    count=st.integers(1, 200),
    seed=st.integers(0, 2**20),
)
def test_draws_are_even_over_the_clusters_and_within_each(labels: list[int], count: int, seed: int) -> None:
    assignments = np.array(labels)
    drawn = even_draws(assignments, count, np.random.default_rng(seed))
    assert len(drawn) == count
    by_cluster = Counter(assignments[drawn].tolist())
    shares = [by_cluster[number] for number in set(labels)]
    assert max(shares) - min(shares) <= 1
    for number in set(labels):
        members = np.flatnonzero(assignments == number)
        times = [int((drawn == member).sum()) for member in members]
        assert max(times) - min(times) <= 1


def test_which_samples_are_drawn_and_when_is_left_to_chance() -> None:
    """Of a cluster of 100 and one of 10, ten draws: each of the large one's members is drawn about every 20th time."""
    assignments = np.array([0] * 100 + [1] * 10)
    times, first = np.zeros(110), Counter[int]()
    for seed in range(2000):
        drawn = even_draws(assignments, 10, np.random.default_rng(seed))
        times[drawn] += 1
        first[int(assignments[drawn[0]])] += 1
    assert abs(times[:100] - 100).max() < 50  # five standard deviations of a count of 100
    assert abs(times[100:] - 1000).max() < 5 * 22.4
    assert abs(first[0] - 1000) < 5 * 22.4


def test_the_numbers_of_a_clustering() -> None:
    before: NDArray[np.int64] = np.array([0, 0, 1, 1, 2, 2])
    now: NDArray[np.int64] = np.array([4, 4, 4, 4, 1, 0])
    found = describe(now, before)
    assert found["clusters"] == 3
    assert found["largest_share"] == pytest.approx(4 / 6)
    # By hand, from the entropies of the shares and of the joint shares.
    entropy = lambda *shares: -sum(share * np.log(share) for share in shares)  # noqa: E731
    first, second, joint = (
        entropy(1 / 3, 1 / 3, 1 / 3),
        entropy(4 / 6, 1 / 6, 1 / 6),
        entropy(1 / 3, 1 / 3, 1 / 6, 1 / 6),
    )
    assert found["nmi_previous"] == pytest.approx(2 * (first + second - joint) / (first + second))
    assert "nmi_previous" not in describe(now, None)


@pytest.mark.parametrize("fitted", [1000, 64])
def test_features_are_reduced_as_they_come(fitted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one piece, or with the whitening fitted on the first 64 of 200."""
    monkeypatch.setattr(extraction, "FITTED", fitted)
    features, order = correlated(200, 12), np.random.default_rng(0).permutation(200)
    reducer = Reducer(200, 5)
    for start in range(0, 200, 32):
        indices = order[start : start + 32]
        reducer.add(indices, features[indices])
    whiten = Whitening(features[order[:64]] if fitted == 64 else features[order], 5)
    np.testing.assert_allclose(reducer.points, whiten(features), atol=1e-4)


def test_features_that_are_not_finite_stop_the_run() -> None:
    features = correlated(8, 4)
    features[3, 2] = np.nan
    with pytest.raises(MonoImageError, match=r"not finite.*lower config\.OPTIMIZER"):
        Reducer(8, 2).add(np.arange(8), features)
