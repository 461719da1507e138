"""Learning a trunk from the patches of a photo."""

from __future__ import annotations

from typing import cast

from torch import nn

from vissl_monoimage.compat.missing_vissl import require_vissl
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models.features import input_size
from vissl_monoimage.models.init import TRUNKS, kmeans, sparse_coding
from vissl_monoimage.models.init.patches import Crops
from vissl_monoimage.models.normalisation import CIFAR10
from vissl_monoimage.models.trunks.registry import OURS, build_trunk
from vissl_monoimage.models.trunks.sparse_coding import SparseCodingTrunk
from vissl_monoimage.utils.random import seed_everything


def trunk_for(method: str, trunk: str | None = None) -> str:
    """Return the name of the trunk that `method` makes: `trunk`, or its default.

    Raises:
        MonoImageError: an unknown method, or a trunk that it cannot make.
        VisslMissingError: the trunk is VISSL's, which is not installed.
    """
    if method not in TRUNKS:
        raise MonoImageError(unknown("method", method, TRUNKS))
    name = trunk or TRUNKS[method][0]
    if name not in TRUNKS[method]:
        raise MonoImageError(f"--trunk with {method}: {unknown('trunk', name, TRUNKS[method])}")
    if name not in OURS:
        require_vissl()
    return name


def learn_trunk(method: str, name: str, photo: str, count: int, seed: int) -> tuple[nn.Module, Crops]:
    """Return a trunk whose filters are patches of a photo, clustered or coded, and the crops they come from.

    Args:
        method: `kmeans` or `sparse_coding`.
        name: of the trunk, as `trunk_for` returns it.
        photo: a file, a folder, a .txt list or a name of the catalog.
        count: how many crops to learn from.
        seed: of the crops, of the initial weights and of the learning.

    Raises:
        MonoImageError: a bad photo, or too few crops.
    """
    seed_everything("init", seed)
    trunk = build_trunk(name)
    crops = Crops(photo, input_size(trunk), count, seed, CIFAR10)
    if method == "kmeans":
        kmeans.initialise(trunk, crops, seed)
    else:
        sparse_coding.learn(cast(SparseCodingTrunk, trunk).code, crops, seed)
    return trunk, crops
