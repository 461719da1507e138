"""What each layer of a trunk makes of a small fixed set of images that everyone has."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf
from vissl.config import AttrDict
from vissl.data.ssl_transforms import get_transform
from vissl.models import build_model

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.config.schema import read_block
from vissl_monoimage.data.photo_patches import PHOTOS, WHERE, PatchesConfig, PhotoPatches
from vissl_monoimage.models.checkpoint_file import read_checkpoint
from vissl_monoimage.probe.configure import configure_probe

PROBE = "benchmark/monoimage/linear_photo_patches"
_A_PHOTO, _A_PHOTO_IF_LARGE = 20, 4  # patches: seconds a network, of 224 px as well
_LARGE = 64  # px
_BATCH = 48


class LayerReader:
    """A trunk with the eyes of the probe `linear_photo_patches`: its images, their normalisation, its pooling.

    Attributes:
        layers: names of the probed layers, in order.
        images: (n, 3, size, size), the first test patches; n is 240, or 48 for trunks of more than 64 px.

    Raises:
        MonoImageError: an unknown trunk, or one whose layers the probe does not know.
    """

    def __init__(self, trunk: str) -> None:
        config = AttrDict(OmegaConf.to_container(compose_config([f"config={PROBE}"]).config, resolve=True))
        config.MODEL.TRUNK.NAME = trunk
        config.MODEL._MODEL_INIT_SEED = config.SEED_VALUE  # VISSL's launcher does this; no weight of it is read
        configure_probe(config)
        self._config = config
        self._model = build_model(config.MODEL, config.OPTIMIZER).eval()
        self.layers = [layer for layer, _ in config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP]
        self.images = _patches(config)

    def features(self, checkpoint: str) -> dict[str, NDArray[np.float32]]:
        """{layer: (n, features)} of the trunk in `checkpoint`, pooled and flattened, batch norms as they were left.

        Raises:
            MonoImageError: it cannot be read, or does not fill the trunk.
        """
        self._config.MODEL.WEIGHTS_INIT.PARAMS_FILE = checkpoint
        self._model.init_model_from_weights_params_file(self._config, read_checkpoint(checkpoint))
        batches = [self._model.features(images) for images in self.images.split(_BATCH)]
        joined = [torch.cat(parts).flatten(1).numpy() for parts in zip(*batches, strict=True)]
        return dict(zip(self.layers, joined, strict=True))


def _patches(config: AttrDict) -> torch.Tensor:
    """The same patches of each photo for every network, as the probe's test shows them to the trunk."""
    source = PhotoPatches(read_block(PatchesConfig, config.MONOIMAGE.get("PATCHES"), WHERE), train=False)
    transform = get_transform(config.DATA.TEST.TRANSFORMS)

    def shown(index: int) -> Any:
        return transform({"data": [source[index]]})["data"][0]

    large = shown(0).shape[-1] > _LARGE
    return torch.stack([shown(index) for index in range(len(PHOTOS) * (_A_PHOTO_IF_LARGE if large else _A_PHOTO))])
