"""Learning the dictionary of the trunk `sparse_coding` (Olshausen and Field, Nature 1996)."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.exceptions import ConvergenceWarning

from vissl_monoimage.models.init.patches import Crops, check_crops, draw_patches
from vissl_monoimage.models.trunks.sparse_coding import SparseCode
from vissl_monoimage.utils.progress import track
from vissl_monoimage.utils.random import generator

_NOISE = 0.1
"""Added to the variances before whitening, which would amplify directions of little variance (pixels have about 1).

Olshausen and Field use a low-pass filter instead."""
_BATCH = 256


@torch.no_grad()
def learn(code: SparseCode, crops: Crops, seed: int) -> None:
    """Learn the whitening of the crops' patches, and the dictionary that codes the whitened patches best, in place.

    The dictionary minimises |w - code D|^2 / 2 + THRESHOLD |code|_1 over dictionaries of atoms no longer than 1, online
    (Mairal et al., JMLR 2010, by scikit-learn), in one pass over the patches.

    Args:
        code: the layer.
        crops: of the photo.
        seed: of the patches and of the learning.

    Raises:
        MonoImageError: fewer patches than atoms, or a photo without contrast.
    """
    check_crops(crops, code.ATOMS)
    draw = generator("sparse_coding", seed)
    side = (code.SIDE, code.SIDE)
    batches = track(crops.batches(), "patches")
    patches = torch.cat([draw_patches(batch, side, (1, 1), (0, 0), draw) for batch in batches]).numpy()
    mean = patches.mean(0)
    whitening = zca(patches)
    print(f"learning a dictionary of {code.ATOMS} atoms from {len(patches)} patches", flush=True)
    whitened = ((patches - mean) @ whitening).astype(np.float64)  # in float32 the descent does not reach its tolerance
    learner = MiniBatchDictionaryLearning(
        code.ATOMS, alpha=code.THRESHOLD, max_iter=1, batch_size=_BATCH, fit_algorithm="cd", random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few patches miss the tolerance narrowly
        learner.fit(whitened)
    code.dictionary.copy_(torch.from_numpy(learner.components_).view_as(code.dictionary))
    code.whitening.copy_(torch.from_numpy(whitening))
    code.mean.copy_(torch.from_numpy(mean).view_as(code.mean))


def zca(patches: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the symmetric matrix (d, d) that whitens `patches` (n, d) after their mean is subtracted.

    A direction of variance v gets variance v / (v + 0.1), nearly 1 where the patches vary.
    """
    variances, directions = np.linalg.eigh(np.cov(patches, rowvar=False))
    matrix: NDArray[np.float32] = np.asarray(
        directions / np.sqrt(variances.clip(0) + _NOISE) @ directions.T, dtype=np.float32
    )
    return matrix
