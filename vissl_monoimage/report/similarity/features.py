"""The features of a trunk's layers on a small fixed set of images that is part of installed packages."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.transforms import Compose, Normalize, Resize, ToTensor

from vissl_monoimage.data.photo_patches import PHOTOS, PatchesConfig, PhotoPatches
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.file import read_checkpoint
from vissl_monoimage.models.checkpoint.load import fill
from vissl_monoimage.models.features import input_size, probed_layers
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.probe.protocols import get_protocol

PROTOCOL = "patches-v1"
MEAN, STD = 0.5, 0.19  # of every channel, as in benchmark/monoimage/linear_photo_patches
_PER_PHOTO, _PER_PHOTO_IF_LARGE = 20, 4  # patches: seconds per network, at 224 px too
_LARGE = 64  # px
_BATCH = 48


class LayerReader:
    """A trunk with the images, normalisation and pooling of the probe `linear_photo_patches`.

    Attributes:
        layers: names of the probed layers, in order.
        images: (n, 3, size, size), the first test patches; n is 240, or 48 for trunks of more than 64 px.

    Args:
        trunk: name of the trunk; VISSL's own trunks have VISSL's default settings.

    Raises:
        MonoImageError: an unknown trunk, a trunk of VISSL where it is not installed, or one without layers to probe.
    """

    def __init__(self, trunk: str) -> None:
        self._name = trunk
        self._trunk = build_trunk(trunk).eval()
        self.layers = probed_layers(self._trunk)
        if not self.layers:
            raise MonoImageError(f"trunk '{trunk}' has no layers that probes read")
        self.images = _patches(input_size(self._trunk))
        self._pools = self._pooling()

    @torch.no_grad()
    def features(self, checkpoint: str) -> dict[str, NDArray[np.float32]]:
        """Return {layer: (n, features)} of the trunk in `checkpoint`, pooled and flattened, batch norms frozen.

        Raises:
            MonoImageError: the checkpoint cannot be read, or does not fill the trunk.
        """
        fill(self._trunk, self._name, read_checkpoint(checkpoint), checkpoint)
        batches = [self._trunk(images, self.layers) for images in self.images.split(_BATCH)]
        return {
            layer: torch.cat([pool(maps) for maps in parts]).flatten(1).numpy()
            for layer, pool, parts in zip(self.layers, self._pools, zip(*batches, strict=True), strict=True)
        }

    @torch.no_grad()
    def _pooling(self) -> list[nn.Module]:
        """Return the operation by which the protocol pools each layer."""
        pooling = get_protocol(PROTOCOL).pooling
        if pooling is None:
            raise MonoImageError(f"protocol '{PROTOCOL}' defines no pooling")
        shapes = [tuple(maps.shape[1:]) for maps in self._trunk(self.images[:1], self.layers)]
        operations = [pooling.op(layer, shape) for layer, shape in zip(self.layers, shapes, strict=True)]
        return [getattr(nn, name)(*arguments) for name, arguments in operations]


def _patches(size: int) -> Tensor:
    """Return the same test patches of each photo for every network, resized and normalised."""
    patches = PhotoPatches(PatchesConfig(), train=False)
    transform = Compose([Resize(size), ToTensor(), Normalize([MEAN] * 3, [STD] * 3)])
    count = len(PHOTOS) * (_PER_PHOTO_IF_LARGE if size > _LARGE else _PER_PHOTO)
    return torch.stack([transform(patches[index]) for index in range(count)])
