"""Classifiers that are fitted to the features of all training images at once, without gradients: the common part.

Such a run is a probe with cached features and no training epoch: its heads are fitted when it starts, and VISSL's
loop has only the test phase, with VISSL's meters. Neither the features nor a checkpoint are kept: the result is the
row in the ledger.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from torch import Tensor, nn
from torch.utils.data import Dataset
from vissl.config import AttrDict

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.probe.feature_cache import compute_rows, rows_loader
from vissl_monoimage.probe.feature_rows import KEY, pooled_shapes, split_layers
from vissl_monoimage.probe.linear import ProbeTask
from vissl_monoimage.utils.precision import autocast


class FeatureClassifier(nn.Module):
    """A head that learns one layer by `fit`.

    Args:
        model_config: VISSL's `config.MODEL`; not used.
        shape: (channels, height, width) of the pooled feature.
        num_classes: number of scores.
    """

    def __init__(self, model_config: AttrDict, shape: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        # DistributedDataParallel and the optimizer refuse a model without trainable parameters.
        self.untrained = nn.Linear(1, 1)

    @abstractmethod
    def fit(self, features: Tensor, labels: Tensor, config: AttrDict) -> None:
        """Learn from the training images.

        Args:
            features: (samples, features) float32, memory-mapped.
            labels: (samples,) int64.
            config: what lies below VISSL's `config`.
        """

    @abstractmethod
    def scores(self, features: Tensor) -> Tensor:
        """Return finite scores (..., batch, classes), larger for likelier, for (batch, features) float32."""

    def forward(self, feature: Tensor) -> Tensor:
        """Return the scores for (batch, channels, height, width), in full precision whatever the trunk ran in."""
        with autocast(feature.device.type, enabled=False):
            return self.scores(feature.flatten(1).float())


class FitHook(ClassyHook):
    """Runs the trunk over the images, fits each layer's head, and has the test read from the cache."""

    on_phase_start = on_forward = on_loss_and_meter = on_backward = on_update = ClassyHook._noop
    on_step = on_phase_end = on_end = on_exception = ClassyHook._noop

    def on_start(self, task: Any) -> None:
        train = compute_rows(task, "train", task.training_images())
        labels = torch.from_numpy(train.targets)[:, 0]
        layers = split_layers(torch.from_numpy(train.features), pooled_shapes(task.config.MODEL))
        for head, features in zip(task.base_model.heads, layers, strict=True):
            if labels.max() >= head.num_classes:
                raise MonoImageError(
                    f"config.MODEL.HEAD.PARAMS has num_classes: {head.num_classes}, but the training images have "
                    f"labels up to {labels.max()}"
                )
            head.fit(features.flatten(1), labels, task.config)
        test = compute_rows(task, "test", task.datasets["test"])
        task.dataloaders["test"] = rows_loader(task, "test", test)


class FeatureClassifierTask(ProbeTask):
    """A probe whose heads are fitted instead of trained."""

    def cache_hook(self) -> ClassyHook:
        return FitHook()

    def _build_phases(self) -> list[dict[str, bool]]:
        return [{"train": False}]

    def training_images(self) -> Dataset[Any]:
        """Return what the heads are fitted to: all images of the training split."""
        images: Dataset[Any] = self.datasets["train"]
        return images

    @classmethod
    def check_configured(cls, configured: AttrDict) -> Iterator[str]:
        name = f"config.TRAINER.TASK_NAME={configured.TRAINER.TASK_NAME}"
        if not configured.MONOIMAGE.get("CACHE_FEATURES"):
            yield f"{name} works on cached features: {KEY}=true"
        elif configured.TEST_ONLY or not configured.TEST_MODEL:
            yield f"{name} fits to the training images and tests: config.TEST_ONLY=false and config.TEST_MODEL=true"
        else:
            yield from list(super().check_configured(configured)) or cls.check_fit(configured)

    @classmethod
    @abstractmethod
    def check_fit(cls, configured: AttrDict) -> Iterable[str]:
        """Yield what stops the fit of a completed config that is otherwise right."""
