"""Linear centred kernel alignment (CKA): how similar two layers' features of the same images are, at any widths.

Kornblith, Norouzi, Lee and Hinton, "Similarity of Neural Network Representations Revisited" (ICML 2019), with the
unbiased HSIC of Song et al. (JMLR 2012): with more features than images, the plain CKA of unrelated features is far
above 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
_CONSTANT = 1e-9  # a spread below this share of the features' norm is rounding


def linear_cka(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y)), with the unbiased HSIC of linear kernels.

    Args:
        x: (n, features) of n >= 4 images.
        y: (n, other features) of the same images.

    Returns:
        At most 1, reached if x = a y Q + b for a number a, an orthogonal Q and a row b. Around 0, of either sign, if
        they have nothing in common. NaN if either is the same for all images, or not finite.

    Raises:
        ValueError: fewer than four images.
    """
    return alignment(unit_gram(x), unit_gram(y))


def unit_gram(features: NDArray[Any]) -> Matrix:
    """Return the (n, n) Gram matrix of (n, features), U-centred and scaled to Frobenius norm 1.

    U-centred (Szekely and Rizzo, 2014) means a zero diagonal and rows and columns that sum to 0. The sum of products
    of two such matrices is n (n - 3) times the unbiased HSIC. NaN where `linear_cka` is.

    Raises:
        ValueError: fewer than four images, for which there is no unbiased estimate.
    """
    n = len(features)
    if n < 4:
        raise ValueError(f"CKA without bias needs at least 4 images, not {n}")
    values = np.asarray(features, np.float64)
    if not np.isfinite(values).all():
        return np.full((n, n), math.nan)
    centred = values - values.mean(0)  # changes no result, and keeps digits where means are large
    if np.linalg.norm(centred) <= _CONSTANT * np.linalg.norm(values):
        return np.full((n, n), math.nan)
    gram = centred @ centred.T
    np.fill_diagonal(gram, 0)
    sums = gram.sum(0)
    gram -= (sums[:, None] + sums) / (n - 2) - sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(gram, 0)
    return gram / np.linalg.norm(gram)


def alignment(one: Matrix, other: Matrix) -> float:
    """Return the CKA of two layers from their `unit_gram`s."""
    return float(np.vdot(one, other))
