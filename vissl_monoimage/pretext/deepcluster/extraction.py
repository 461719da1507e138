"""The network's features of all samples, whitened, on the primary rank.

Its memory holds the features of up to `FITTED` samples, on which the whitening is fitted, and then N whitened ones. For
1.28 million samples of 4,096 features, whitened to 256, that is 1.1 GB, then 1.3 GB. Below `FITTED` samples the
whitening is that of the authors; above, it is fitted on a random subsample. K-means always sees all samples.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from vissl_monoimage.compat.private_api import output_feature_names
from vissl_monoimage.data.photo_order import group_by_photo
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.pretext.deepcluster.clustering import Features, Whitening
from vissl_monoimage.pretext.module_state import at_rest
from vissl_monoimage.utils.distributed import is_primary, rank, world_size
from vissl_monoimage.utils.precision import autocast
from vissl_monoimage.utils.progress import track
from vissl_monoimage.utils.random import generator

FITTED = 65_536
"""Samples that the whitening is fitted on; 16 for each of 4,096 features."""

Indices = NDArray[np.int64]


def whitened_features(task: Any, dimensions: int) -> tuple[Features, dict[str, float]]:
    """Return features (N, dimensions) float32, and the seconds of "extraction" and "pca".

    All ranks must call it: each runs the network over its share, and only the primary one gets the features. The
    samples go through `config.DATA.TEST.TRANSFORMS`, in batches of its BATCHSIZE_PER_REPLICA, the network is in eval
    mode.

    Args:
        task: a `DeepClusterTask`.
        dimensions: wanted; fewer where the features have fewer.

    Raises:
        MonoImageError: the features are not finite.
    """
    order = _random_order(task)
    reducer = Reducer(len(order), dimensions)
    began = time.monotonic()
    with at_rest(task.base_model), torch.no_grad():
        for indices, features in _gathered(task, order):
            reducer.add(indices, features)
    total = time.monotonic() - began
    return reducer.points, {"extraction": total - reducer.seconds, "pca": reducer.seconds}


class Reducer:
    """Whiten features batch by batch; the first `FITTED` are kept until the whitening is fitted on them.

    Args:
        count: number of samples in all.
        dimensions: of the whitened features.

    Attributes:
        points: (count, dimensions) float32, complete when all samples were added.
        seconds: spent here.
    """

    def __init__(self, count: int, dimensions: int) -> None:
        self.count, self.dimensions = count, dimensions
        self.points: Features = np.empty((0, dimensions), np.float32)
        self.seconds = 0.0
        self._whiten: Whitening | None = None
        self._kept: Features | None = None
        self._kept_indices: list[Indices] = []

    def add(self, indices: Indices, features: Features) -> None:
        """Add features (n, d) of the samples `indices`; n is never larger than at the first call.

        Raises:
            MonoImageError: they are not finite.
        """
        if not np.isfinite(features).all():
            raise MonoImageError(
                "the network's features are not finite, and cannot be clustered: lower "
                "config.OPTIMIZER.param_schedulers.lr; checkpoints up to here are kept"
            )
        began = time.monotonic()
        if self._whiten is None:
            self._keep(indices, features)
        else:
            self.points[indices] = self._whiten(features)
        self.seconds += time.monotonic() - began

    def _keep(self, indices: Indices, features: Features) -> None:
        wanted, done = min(self.count, FITTED), sum(map(len, self._kept_indices))
        if self._kept is None:
            self._kept = np.empty((wanted + len(features), features.shape[1]), np.float32)
        self._kept[done : done + len(features)] = features
        self._kept_indices.append(indices)
        if (done := done + len(features)) >= wanted:
            self._whiten = Whitening(self._kept[:done], self.dimensions)
            self.points = np.empty((self.count, self._whiten.dimensions), np.float32)
            self.points[np.concatenate(self._kept_indices)] = self._whiten(self._kept[:done])
            self._kept = None


def _random_order(task: Any) -> Indices:
    """Return all samples, shuffled, so that the first ones are a fair subsample to fit the whitening on.

    Where photos do not fit into memory, the first ones come from the first groups of photos (`data.photo_order`).
    """
    dataset, draw = task.datasets["train"], generator("clustering order", task.config["SEED_VALUE"])
    return group_by_photo(dataset, torch.randperm(len(dataset), generator=draw).numpy(), draw)


def _gathered(task: Any, order: Indices) -> Iterator[tuple[Indices, Features]]:
    """Yield batches of samples and their features on the primary rank; the others take part and yield nothing.

    The batches are dealt out one to a rank in turn and are the same for any number of ranks, so that the features are
    the same as well, bit for bit on equal processors.
    """
    ranks, size = world_size(), task.config.DATA.TEST.BATCHSIZE_PER_REPLICA
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    samples = _with_transforms(task.datasets["train"], task.config.DATA.TEST.TRANSFORMS)
    renderer = samples.renderer(task.device)
    loader = DataLoader(
        samples,
        batch_sampler=[batch.tolist() for batch in batches[rank() :: ranks]],
        collate_fn=_images,
        num_workers=task.config.DATA.NUM_DATALOADER_WORKERS,
        pin_memory=task.config.DATA.PIN_MEMORY,
    )
    rounds = [batches[start : start + ranks] for start in range(0, len(batches), ranks)]
    for these, images in zip_longest(rounds, track(loader, "features to cluster")):
        if images is not None and renderer is not None:
            images = renderer(images.to(task.device))
        own = _features(task, images) if images is not None else None
        for indices, features in zip(these, _on_primary(task, own, size), strict=False):
            yield indices, features[: len(indices)].cpu().numpy()


def _with_transforms(dataset: Any, transforms: list[Mapping[str, Any]]) -> Any:
    """Return the same samples under other transforms; the images themselves are shared."""
    view = copy.copy(dataset)
    view.set_transforms(transforms)
    view.epoch = 0  # so that random transforms are the same in a resumed run
    view.label_sources, view.label_objs, view.label_type = [], [], "zero"
    return view


def _images(samples: list[dict[str, Any]]) -> Tensor:
    return torch.stack([sample["data"][0] for sample in samples])


def _features(task: Any, images: Tensor) -> Tensor:
    model = task.base_model
    with autocast(task.device.type, task.bf16):
        maps = model.trunk(images.to(task.device), output_feature_names(model))[0]
        features: Tensor = model.heads[0].features(maps)
    return features.float()


def _on_primary(task: Any, own: Tensor | None, size: int) -> list[Tensor]:
    """Return each rank's (size, d) in the order of the ranks on the primary rank, an empty list on the others.

    Short batches are filled up with zeros where there are several ranks.
    """
    if world_size() == 1:
        return [own] if own is not None else []
    width = task.base_model.heads[0].top.in_features
    padded = torch.zeros(size, width, device=task.device)
    if own is not None:
        padded[: len(own)] = own
    gathered = [torch.empty_like(padded) for _ in range(world_size())] if is_primary() else None
    torch.distributed.gather(padded, gathered)
    return gathered or []
