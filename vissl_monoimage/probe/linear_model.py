"""VISSL's model for probing a frozen trunk at several layers at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from vissl.config import AttrDict
from vissl.models import is_feature_extractor_model, register_model
from vissl.models.base_ssl_model import BaseSSLMultiInputOutputModel

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models import checkpoint as loading
from vissl_monoimage.probe.feature_cache import layers_of, shapes_in


@register_model("probe_model")
class ProbeModel(BaseSSLMultiInputOutputModel):
    """One head a layer of a trunk that never changes: weights frozen, batch norms with fixed statistics.

    Beside VISSL's model it takes several crops an image, (batch, crops, channels, height, width), and
    returns the mean of their logits; or rows of cached features (`cache`) instead of images; it keeps no
    autograd graph of the trunk; and it takes all of the trunk's weights from a checkpoint or refuses.
    """

    def __init__(self, model_config: AttrDict, optimizer_config: AttrDict) -> None:
        layers = [item[0] for item in model_config.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP]
        heads = len(model_config.HEAD.PARAMS)
        if not is_feature_extractor_model(model_config) or heads != len(layers):
            raise MonoImageError(
                f"probe_model needs a frozen trunk and one head a layer, but the config has {heads} heads "
                f"for {len(layers)} layers: run it with "
                "config.TRAINER.TASK_NAME=probe_task, which writes them"
            )
        super().__init__(model_config, optimizer_config)

    def single_input_forward(self, batch: Tensor, feature_names: list[str], heads: Any) -> list[Tensor]:
        """(batch, [crops,] channels, height, width) or (batch, features) -> logits (batch, classes) of each head."""
        if batch.dim() == 2:
            features = layers_of(batch, shapes_in(self.model_config))
        else:
            features = self.features(batch.flatten(0, 1) if batch.dim() == 5 else batch)
        logits: list[Tensor] = self.heads_forward(features, heads)
        if batch.dim() == 5:
            logits = [one.unflatten(0, batch.shape[:2]).mean(1) for one in logits]
        return logits

    def features(self, images: Tensor) -> list[Tensor]:
        """(batch, channels, height, width) -> the pooled feature of each layer, of the shapes its head takes."""
        with torch.no_grad():
            pooled: list[Tensor] = self.trunk(images, self._output_feature_names)
        return pooled

    def init_model_from_weights_params_file(self, config: AttrDict, checkpoint: dict[str, Any]) -> None:
        """Fill the whole trunk.

        Raises:
            MonoImageError: naming the tensors that are missing or of another shape.
        """
        loading.fill(self.trunk.base_model, config.MODEL.TRUNK.NAME, checkpoint, config.MODEL.WEIGHTS_INIT.PARAMS_FILE)
