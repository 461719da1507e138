"""Data-dependent k-means initialisation (Krähenbühl, Doersch, Donahue, Darrell, ICLR 2016, arXiv 1511.06856)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.utils.data import DataLoader

from vissl_monoimage.models.init.images import Images
from vissl_monoimage.models.init.patches import check_crops, draw_patches
from vissl_monoimage.utils.progress import track
from vissl_monoimage.utils.random import generator

_NEGLIGIBLE = 1e-6
"""Share of the largest variance: whitening leaves out directions of less, which it would amplify without bound."""

Batches = DataLoader[Tensor] | Sequence[Tensor]


@torch.no_grad()
def initialise(trunk: nn.Module, crops: Images, seed: int) -> None:
    """Set the filters of every convolution to clusters of patches of its input.

    Layers are done in order, each on the outputs of the finished layers before it. Patches of a layer's input are
    whitened and clustered (`filters_from`). The filters are then scaled and shifted so that each channel has mean 0 and
    variance 1 over all places of all crops, the paper's within-layer normalisation. The convolution thus gives what its
    batch norm would make of it, so the statistics of the batch norm are set to 0 and 1: right for a probe, which keeps
    them fixed.

    The authors' code (philkr/magic_init) adds a positive bias of 0.1; here the mean is 0. Their between-layer rescaling
    is left out: it balances the gradients of a later training, and only multiplies the outputs of these layers by a
    factor. The number of patches to cluster is ours (`draw_patches`).

    Args:
        trunk: one of `TRUNKS["kmeans"]`.
        crops: of a photo, or images of a data set.
        seed: of the patches and of the clustering.

    Raises:
        MonoImageError: too few crops for the widest layer, or a photo without contrast.
    """
    layers = [layer for layer in trunk.get_submodule("_feature_blocks").modules() if not any(layer.children())]
    places = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    check_crops(crops, max(layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)))
    trunk.eval()
    inputs: Batches = crops.batches()
    for number, (start, end) in enumerate(zip(places, [*places[1:], len(layers)], strict=True), 1):
        stage = nn.Sequential(*layers[start:end])
        name = f"conv{number} of {len(places)}"
        draw = generator("kmeans", seed, number)
        _cluster(stage.get_submodule("0"), track(inputs, f"{name}: patches"), draw, seed)
        _normalise(stage, track(inputs, f"{name}: scale"))
        if number < len(places):
            inputs = [stage(batch) for batch in track(inputs, f"{name}: outputs")]


def filters_from(patches: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    """Return filters (count, d) from `patches` (n, d): centroids of whitened patches, as weights on plain ones.

    As in magic_init: the mean is subtracted; PCA to at most `count` directions, whitened; every patch scaled to length
    1; mini-batch k-means with batches of ten patches per cluster. A centroid times the whitening matrix is the filter
    whose response to a plain patch is the centroid's response to the whitened one. Filters have no particular length.
    """
    pca = PCA(min(count, *patches.shape), random_state=seed).fit(patches)
    varying = pca.explained_variance_ > _NEGLIGIBLE * pca.explained_variance_[0]
    whitening = pca.components_[varying] / np.sqrt(pca.explained_variance_[varying, None])
    whitened = (patches - pca.mean_) @ whitening.T
    whitened /= np.maximum(np.linalg.norm(whitened, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    clusters = MiniBatchKMeans(count, batch_size=10 * count, n_init=1, random_state=seed).fit(whitened)
    filters: NDArray[np.float32] = np.asarray(clusters.cluster_centers_ @ whitening, dtype=np.float32)
    return filters


def _cluster(layer: Any, inputs: Iterable[Tensor], draw: torch.Generator, seed: int) -> None:
    padding = tuple(map(int, layer.padding))
    patches = torch.cat([draw_patches(batch, layer.kernel_size, layer.stride, padding, draw) for batch in inputs])
    filters = filters_from(patches.numpy(), layer.out_channels, seed)
    layer.weight.copy_(torch.from_numpy(filters).view_as(layer.weight))
    layer.bias.zero_()


def _normalise(stage: nn.Sequential, inputs: Iterable[Tensor]) -> None:
    """Give each channel of the convolution that `stage` begins with mean 0 and variance 1 over `inputs`."""
    layer: Any = stage[0]
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for batch in inputs:
        responses = layer(batch).double()
        count += responses.numel() // layer.out_channels
        total = total + responses.sum((0, 2, 3))
        squares = squares + responses.square().sum((0, 2, 3))
    mean = total / count
    std = (squares / count - mean.square()).clamp_min(1e-12).sqrt()
    layer.weight.div_(std.float()[:, None, None, None])
    layer.bias.copy_(-mean / std)
    for norm in (other for other in stage if isinstance(other, nn.BatchNorm2d)):
        norm.reset_parameters()  # and its running statistics: mean 0, variance 1
