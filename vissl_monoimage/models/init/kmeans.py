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

from vissl_monoimage.models.init.patches import Crops, check, draw_patches
from vissl_monoimage.utils.progress import track
from vissl_monoimage.utils.random import generator

_NEGLIGIBLE = 1e-6
"""Of the largest variance: directions of patches that vary less are left out, not blown up by the whitening."""

Batches = DataLoader[Tensor] | Sequence[Tensor]


@torch.no_grad()
def initialise(trunk: nn.Module, crops: Crops, seed: int) -> None:
    """Give every convolution of `trunk`, one of TRUNKS["kmeans"], filters that are clusters of what it looks at.

    Layer by layer, on the outputs of the layers before it, which are final by then: patches of the layer's input are
    whitened and clustered (`filters_from`), and the filters scaled and shifted so that each channel of the
    layer has mean 0 and variance 1 over all places of all crops: the paper's within-layer normalisation. As the
    convolution then gives what its batch norm would make of it, the statistics of that are 0 and 1, which are
    the ones it is given: right for a probe, which keeps them fixed.

    After the authors' code (philkr/magic_init), which has it with a positive bias of 0.1 on top; here the mean is 0.
    Left out: their between-layer rescaling, which balances the gradients of a training to come and leaves the
    outputs of these layers as they are, but for one factor. How many patches to cluster is ours (`draw_patches`).

    Raises:
        MonoImageError: too few crops for the widest layer, or a photo without contrast.
    """
    layers = [
        layer for layer in trunk.get_submodule("_feature_blocks").modules() if not any(layer.children())
    ]  # in the order they are applied in
    places = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    check(crops, max(layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)))
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
    """`count` filters (count, d) from `patches` (n, d): centroids of whitened patches, as weights on plain ones.

    As magic_init: the mean is subtracted; PCA to at most `count` directions, whitened; every patch to length 1;
    mini-batch k-means with batches of ten patches a cluster. A centroid times the whitening matrix is the filter
    whose response to a plain patch is the centroid's to the whitened one. Of no particular length.
    """
    pca = PCA(min(count, *patches.shape), random_state=seed).fit(patches)
    kept = pca.explained_variance_ > _NEGLIGIBLE * pca.explained_variance_[0]
    whitening = pca.components_[kept] / np.sqrt(pca.explained_variance_[kept, None])
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
    """Mean 0 and variance 1 for each channel of the convolution that `stage` begins with, over `inputs`."""
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
        norm.reset_parameters()  # its statistics with them: mean 0, variance 1
