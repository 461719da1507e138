"""Linear CKA against independent derivations, its invariances and its limits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vissl_monoimage.report.similarity.cka import linear_cka, unit_gram

Matrix = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def related(seed: int, n: int = 40, widths: tuple[int, int] = (5, 9)) -> tuple[Matrix, Matrix]:
    """Return features of two widths that share a component, with different means and scales."""
    draw = np.random.default_rng(seed)
    common = draw.normal(size=(n, 3))
    x, y = (common @ draw.normal(size=(3, width)) + draw.normal(size=(n, width)) for width in widths)
    return 3 * x + 7, 0.1 * y - 2


def hsic_over_quadruples(x: Matrix, y: Matrix) -> float:
    """Return the unbiased HSIC as a U-statistic: a mean over all ordered quadruples of different images."""
    k, m = x @ x.T, y @ y.T
    quadruples = itertools.permutations(range(len(x)), 4)
    return float(np.mean([k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in quadruples]))


@pytest.mark.parametrize("n", [4, 7])
def test_cka_equals_the_u_statistic_over_quadruples(n: int) -> None:
    x, y = related(1, n)
    expected = hsic_over_quadruples(x, y) / math.sqrt(hsic_over_quadruples(x, x) * hsic_over_quadruples(y, y))
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-6)


def test_cka_of_many_images_approaches_the_papers_formula() -> None:
    x, y = related(2, n=600)
    centring = np.eye(len(x)) - 1 / len(x)
    k, m = (centring @ (values @ values.T) @ centring for values in (x, y))
    of_grams = np.sum(k * m) / math.sqrt(np.sum(k * k) * np.sum(m * m))
    x, y = x - x.mean(0), y - y.mean(0)
    of_features = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert of_grams == pytest.approx(of_features, abs=1e-9)
    assert 0.1 < of_features < 0.9
    assert linear_cka(x, y) == pytest.approx(of_features, abs=0.01)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(1e-4, 1e4), st.floats(-100, 100))
def test_cka_is_invariant_to_rotation_scaling_and_shifts(seed: int, scale: float, shift: float) -> None:
    x, y = related(seed)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(x.shape[1],) * 2))[0]
    expected = linear_cka(x, y)
    assert linear_cka(scale * x @ rotation + scale * shift, y) == pytest.approx(expected, abs=1e-6)
    assert linear_cka(y, x) == pytest.approx(expected, abs=1e-9)
    assert expected < 1
    assert linear_cka(x, scale * x @ rotation) == pytest.approx(1, abs=1e-9)


def test_cka_changes_if_one_direction_is_stretched() -> None:
    x, y = related(3)
    stretched = x * np.array([20, 1, 1, 1, 1])
    assert abs(linear_cka(stretched, y) - linear_cka(x, y)) > 0.02


def test_cka_of_unrelated_features_is_near_0_at_any_width() -> None:
    draw = np.random.default_rng(4)
    values = [linear_cka(draw.normal(size=(60, 3000)), draw.normal(size=(60, 2000))) for _ in range(20)]
    assert max(map(abs, values)) < 0.1
    assert abs(np.mean(values)) < 0.02


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.1, 0.0, math.nan, math.inf])
def test_cka_of_a_constant_layer_is_nan(value: float) -> None:
    assert math.isnan(linear_cka(np.full((12, 3), value), related(5, 12)[0]))


def test_three_images_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 images, not 3"):
        unit_gram(np.eye(3))
