"""Evaluations that fit a head to the features of the training images at once, without gradients: the common part.

Such a run is a probe with cached features and no epoch of training: its heads are fitted when it starts, and VISSL's
loop has the one test phase, with VISSL's meters. The features are not kept, nor is a checkpoint: the result is the
row of the ledger.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from torch import Tensor, nn
from torch.utils.data import Dataset
from vissl.config import AttrDict

from vissl_monoimage.config.access import monoimage_block
from vissl_monoimage.config.checks import Settings
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.probe.configure import prepare
from vissl_monoimage.probe.feature_cache import KEY, cached, layers_of, rows_loader, shapes_in
from vissl_monoimage.probe.linear import ProbeTask
from vissl_monoimage.probe.validate import problems_with


class FittedHead(nn.Module):
    """A head that learns one layer by `fit`.

    Args:
        shape: (channels, height, width) of the pooled feature.
        num_classes: number of scores.
    """

    def __init__(self, model_config: AttrDict, shape: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        # DistributedDataParallel and the optimizer refuse a model with nothing to train.
        self.untrained = nn.Linear(1, 1)

    @abstractmethod
    def fit(self, features: Tensor, labels: Tensor, config: AttrDict) -> None:
        """Learn from (samples, features) float32, which lie on the disk, and (samples,) int64.

        `config` is what lies below VISSL's `config`.
        """

    @abstractmethod
    def scores(self, features: Tensor) -> Tensor:
        """(batch, features) float32 -> (..., batch, classes), the larger the likelier, finite."""

    def forward(self, feature: Tensor) -> Tensor:
        """(batch, channels, height, width) -> the scores, in full precision whatever the trunk ran in."""
        with torch.autocast(feature.device.type, enabled=False):
            return self.scores(feature.flatten(1).float())


class FittingHook(ClassyHook):
    """Run the trunk over the images, fit each layer's head, and let the test read from the cache."""

    on_phase_start = on_forward = on_loss_and_meter = on_backward = on_update = ClassyHook._noop
    on_step = on_phase_end = on_end = on_exception = ClassyHook._noop

    def on_start(self, task: Any) -> None:
        train = cached(task, "train", task.training_images())
        labels = torch.from_numpy(train.targets)[:, 0]
        layers = layers_of(torch.from_numpy(train.features), shapes_in(task.config.MODEL))
        for head, features in zip(task.base_model.heads, layers, strict=True):
            if labels.max() >= head.num_classes:
                raise MonoImageError(
                    f"config.MODEL.HEAD.PARAMS says num_classes: {head.num_classes}, and the training images have "
                    f"labels up to {labels.max()}"
                )
            head.fit(features.flatten(1), labels, task.config)
        test = cached(task, "test", task.datasets["test"])
        task.dataloaders["test"] = rows_loader(task, "test", test)


class FittedTask(ProbeTask):
    """A probe whose heads are fitted and not trained."""

    def cache_hook(self) -> ClassyHook:
        return FittingHook()

    def _build_phases(self) -> list[dict[str, bool]]:
        return [{"train": False}]

    def training_images(self) -> Dataset[Any]:
        """What the heads are fitted to: all images of the training split."""
        images: Dataset[Any] = self.datasets["train"]
        return images

    @classmethod
    def check(cls, config: Settings) -> list[str]:
        name = f"config.TRAINER.TASK_NAME={config['TRAINER']['TASK_NAME']}"
        if not monoimage_block(config).get("CACHE_FEATURES"):
            return [f"{name} works on cached features: {KEY}=true"]
        if config["TEST_ONLY"] or not config["TEST_MODEL"]:
            return [f"{name} fits to the training images and tests: config.TEST_ONLY=false and config.TEST_MODEL=true"]
        found = problems_with(config)
        if found:
            return found
        prepared = AttrDict(copy.deepcopy(dict(config)))
        prepare(prepared, cls.head)
        return cls.problems_of_fit(prepared)

    @classmethod
    @abstractmethod
    def problems_of_fit(cls, prepared: AttrDict) -> list[str]:
        """What stops the fit of a prepared config, all else of which is right, a sentence each."""
