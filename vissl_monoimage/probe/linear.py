"""Linear probes of a frozen trunk at several layers at once: VISSL's model and our task for them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from classy_vision.hooks import ClassyHook
from classy_vision.tasks import TASK_REGISTRY, register_task
from torch import Tensor
from vissl.config import AttrDict
from vissl.models import is_feature_extractor_model, register_model
from vissl.models.base_ssl_model import BaseSSLMultiInputOutputModel

from vissl_monoimage.compat.private_api import output_feature_names
from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.probe.configure import configure_probe
from vissl_monoimage.probe.data_deviations import DataDeviationsHook
from vissl_monoimage.probe.feature_cache import FeatureCacheHook
from vissl_monoimage.probe.feature_rows import KEY, pooled_shapes, split_layers, split_moments
from vissl_monoimage.probe.protocols import get_protocol
from vissl_monoimage.probe.validate import cache_problems
from vissl_monoimage.training.progress_hook import ProgressHook
from vissl_monoimage.training.task import MonoImageTask


@register_model("probe_model")
class ProbeModel(BaseSSLMultiInputOutputModel):
    """One head per layer of a trunk that never changes: frozen weights, batch norms with fixed statistics.

    Differs from VISSL's model in three ways. It takes several crops of an image, (batch, crops, channels, height,
    width), and averages their logits. It takes rows of cached features in place of images. And it keeps no autograd
    graph of the trunk.
    """

    def __init__(self, model_config: AttrDict, optimizer_config: AttrDict) -> None:
        layers = [item[0] for item in model_config.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP]
        heads = len(model_config.HEAD.PARAMS)
        if not is_feature_extractor_model(model_config) or heads != len(layers):
            raise MonoImageError(
                f"probe_model needs a frozen trunk and one head per layer, but the config has {heads} heads "
                f"for {len(layers)} layers: run it with config.TRAINER.TASK_NAME=probe_task, which writes the heads"
            )
        super().__init__(model_config, optimizer_config)

    def single_input_forward(self, batch: Tensor, feature_names: list[str], heads: Any) -> list[Tensor]:
        """Return each head's logits (batch, classes).

        Args:
            batch: images (batch, [crops,] channels, height, width), or cached rows (batch, features).
            feature_names: of the layers; the model has them already.
            heads: one module per layer.
        """
        if batch.dim() == 2:
            shapes = pooled_shapes(self.model_config)
            features = split_layers(batch, shapes)
            if moments := split_moments(batch, shapes):
                return [head(*inputs) for head, *inputs in zip(heads, features, moments, strict=True)]
        else:
            features = self.features(batch.flatten(0, 1) if batch.dim() == 5 else batch)
        logits: list[Tensor] = self.heads_forward(features, heads)
        if batch.dim() == 5:
            logits = [crops.unflatten(0, batch.shape[:2]).mean(1) for crops in logits]
        return logits

    def features(self, images: Tensor) -> list[Tensor]:
        """Return the pooled feature of each layer, in its head's shape, for (batch, channels, height, width)."""
        with torch.no_grad():
            pooled: list[Tensor] = self.trunk(images, output_feature_names(self))
        return pooled


@register_task("probe_task")
class ProbeTask(MonoImageTask):
    """Linear probes of every convolution of a frozen trunk; one YAML serves all trunks (see `configure_probe`).

    With `config.MONOIMAGE.CACHE_FEATURES: true` the trunk runs once over the data (see `feature_cache`).
    """

    hooks: list[ClassyHook]
    renders_batches: ClassVar[bool] = False
    head: ClassVar[str | None] = None
    """The kind of head that this task fits; None where HEAD.PARAMS decides."""

    def __init__(self, config: AttrDict) -> None:
        configure_probe(config, self.head)
        super().__init__(config)

    def set_hooks(self, hooks: list[ClassyHook]) -> None:
        """Fill the cache after the ledger's clock has started and before the progress hook estimates the time left."""
        super().set_hooks([*hooks, DataDeviationsHook()])
        if self.config.MONOIMAGE.get("CACHE_FEATURES"):
            progress = [hook for hook in self.hooks if isinstance(hook, ProgressHook)]
            others = [hook for hook in self.hooks if hook not in progress]
            self.hooks = [*others, self.cache_hook(), *progress]

    def cache_hook(self) -> ClassyHook:
        """Return the hook that runs the trunk over the data when the run starts."""
        return FeatureCacheHook()

    @classmethod
    def check(cls, config: Settings) -> Iterator[str]:
        configured = AttrDict(copy.deepcopy(config))
        configure_probe(configured, cls.head)
        yield from cls.check_configured(configured)

    @classmethod
    def check_configured(cls, configured: AttrDict) -> Iterator[str]:
        """Yield what is wrong with a config that `configure_probe` has completed."""
        if configured.MONOIMAGE.get("CACHE_FEATURES"):
            yield from cache_problems(configured)


@register_check
def check_evaluation(config: Settings) -> Iterator[str]:
    """Refuse a probe without a protocol or with chained heads, and cached features for a task that is no probe."""
    block = monoimage_block(config)
    task = TASK_REGISTRY.get(config["TRAINER"]["TASK_NAME"], object)
    if block.get("CACHE_FEATURES") and not issubclass(task, ProbeTask):
        yield f"{KEY} is for probes only: config.TRAINER.TASK_NAME=probe_task"
    if config["MODEL"]["BASE_MODEL_NAME"] == "probe_model":
        if not all(isinstance(head[0], str) for head in config["MODEL"]["HEAD"]["PARAMS"]):
            yield "config.MODEL.HEAD.PARAMS of a probe must be a list of [name, settings], without lists of heads in it"
        get_protocol(block.get("PROTOCOL", ""))
