"""Making a trunk without a pretext task: learned from the patches of a photo, drawn, or calibrated on images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from torch import nn

from vissl_monoimage.compat.missing_vissl import require_vissl
from vissl_monoimage.data.labelled_folder import named_folder
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models.features import input_size
from vissl_monoimage.models.init import METHODS, NOISE, TRUNKS, kmeans, sparse_coding
from vissl_monoimage.models.init.images import Images, Noise, TrainingImages
from vissl_monoimage.models.init.initial import Pretraining, initial_trunk, usual_normalisation
from vissl_monoimage.models.init.patches import Crops
from vissl_monoimage.models.normalisation import CIFAR10
from vissl_monoimage.models.trunks.registry import OURS, build_trunk, trunk_names
from vissl_monoimage.models.trunks.sparse_coding import SparseCodingTrunk
from vissl_monoimage.utils.random import seed_everything


def trunk_for(method: str, trunk: str | None = None) -> str:
    """Return the name of the trunk that `method` makes: `trunk`, or its default.

    Raises:
        MonoImageError: an unknown method, or a trunk that it cannot make.
        VisslMissingError: the trunk is VISSL's, which is not installed.
    """
    if method not in METHODS:
        raise MonoImageError(unknown("method", method, METHODS))
    names = TRUNKS.get(method) or trunk_names()
    name = trunk or TRUNKS.get(method, TRUNKS["kmeans"])[0]
    if name not in names:
        raise MonoImageError(f"--trunk with {method}: {unknown('trunk', name, names)}")
    if name not in OURS:
        require_vissl()
    return name


def learn_trunk(method: str, name: str, photo: str, count: int, seed: int) -> tuple[nn.Module, Images]:
    """Return a trunk whose filters are patches of images, clustered or coded, and the images they come from.

    Args:
        method: `kmeans` or `sparse_coding`.
        name: of the trunk, as `trunk_for` returns it.
        photo: a file, a folder, a .txt list or a name of the catalog; of kmeans also NAME=FOLDER of a data set.
        count: how many crops, or images of the data set, to learn from.
        seed: of the images, of the initial weights and of the learning.

    Raises:
        MonoImageError: a bad photo, or too few crops.
    """
    trunk = random_trunk(name, seed)
    if method == "kmeans":
        images = images_for(trunk, photo, count, seed)
        kmeans.initialise(trunk, images, seed)
        return trunk, images
    crops = Crops(photo, input_size(trunk), count, seed, CIFAR10)
    sparse_coding.learn(cast(SparseCodingTrunk, trunk).code, crops, seed)
    return trunk, crops


def random_trunk(name: str, seed: int, like: Pretraining | None = None) -> nn.Module:
    """Return a trunk with random weights: those that the pretraining `like` starts from, else some of our own.

    Raises:
        MonoImageError: an unknown trunk, or a setting that it cannot follow.
    """
    if like:
        return initial_trunk(like, seed)
    seed_everything("init", seed)
    return build_trunk(name)


def images_for(trunk: nn.Module, source: str, count: int, seed: int, like: Pretraining | None = None) -> Images:
    """Return the images of a trunk's input size that `source` stands for.

    Args:
        trunk: what they are for.
        source: `noise`, NAME=FOLDER of a data set, or a photo as `find_photos` takes it.
        count: number of images.
        seed: of the crops, of the noise or of the draw from the data set.
        like: the pretraining whose recipe and normalisation they have; without one, the released recipe and
            `usual_normalisation`.

    Raises:
        MonoImageError: a bad photo, no data set in that folder, or more images than it has.
    """
    size = input_size(trunk)
    normalisation = (like and like.normalisation) or usual_normalisation(trunk)
    if source == NOISE:
        return Noise(size, count, seed, normalisation)
    if found := data_set(source):
        return TrainingImages(*found, size, count, seed, normalisation)
    recipe: Mapping[str, Any] = like.recipe if like else {}
    return Crops(source, size, count, seed, normalisation, recipe)


def data_set(source: str) -> tuple[str, Path] | None:
    """Return name and folder of a data set given as NAME=FOLDER; None for noise and photos."""
    return None if Path(source).exists() else named_folder(source)
