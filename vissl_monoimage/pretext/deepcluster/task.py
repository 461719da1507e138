"""The task of DeepCluster: our training task, making its own labels before an epoch."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from classy_vision.tasks import register_task
from vissl.config import AttrDict
from vissl.optimizers import get_optimizer_param_groups

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.schema import read_block
from vissl_monoimage.pretext.deepcluster import record
from vissl_monoimage.pretext.deepcluster.clustering import WHERE, Assignments, DeepClusterConfig, check_enough, k_means
from vissl_monoimage.pretext.deepcluster.extraction import whitened_features
from vissl_monoimage.pretext.deepcluster.pseudo_labels import give_labels
from vissl_monoimage.pretext.deepcluster.sampler import ClusterSampler
from vissl_monoimage.pretext.deepcluster.validate import check_deepcluster
from vissl_monoimage.training.task import MonoImageTask
from vissl_monoimage.utils.distributed import is_primary, world_size
from vissl_monoimage.utils.random import generator


@register_task("deepcluster_task")
class DeepClusterTask(MonoImageTask):
    """Cluster the network's features every `EVERY` epochs, and train the network to classify the clusters.

    `config.MONOIMAGE.DEEPCLUSTER` is `clustering.DeepClusterConfig`; `config.MODEL.HEAD.PARAMS` is one `deepcluster`
    head. Each clustering gets a new top layer. That layer is trained by SGD without momentum, at the learning rate of
    the rest: a parameter group of VISSL's optimizer that keeps no state, and so is as new as the layer. VISSL's
    checkpoint holds the assignments, and a run resumed within an epoch goes on with them.
    """

    makes_labels = True

    def __init__(self, config: AttrDict) -> None:
        self.settings = read_block(DeepClusterConfig, monoimage_block(config).get("DEEPCLUSTER"), WHERE)
        name, settings = config.MODEL.HEAD.PARAMS[0]
        config.MODEL.HEAD.PARAMS[0] = [name, {**settings, "clusters": self.settings.K}]
        self.assignments: Assignments | None = None
        self._clustered_before = -1  # the epoch that the assignments were made for
        super().__init__(config)

    @classmethod
    def check(cls, config: Settings) -> list[str]:
        return check_deepcluster(config)

    def sampler(self, dataset: Any, dataset_config: AttrDict, sampler_seed: int = 0) -> Any:
        if dataset.split == "TRAIN":
            return ClusterSampler(dataset, dataset_config["BATCHSIZE_PER_REPLICA"], sampler_seed)
        return super().sampler(dataset, dataset_config, sampler_seed)

    def prepare_optimizer(self) -> None:
        top = list(self.base_model.heads[0].top.parameters())
        top_ids = {id(weight) for weight in top}
        optimizer = self.config["OPTIMIZER"]
        groups = get_optimizer_param_groups(self.base_model, self.config["MODEL"], optimizer, self.optimizer_schedulers)
        for group in groups:
            group["params"] = [weight for weight in group["params"] if id(weight) not in top_ids]
        rates = {"lr": self.optimizer_schedulers["lr"], "weight_decay": optimizer.weight_decay, "momentum": 0.0}
        self.optimizer.set_param_groups([*(group for group in groups if group["params"]), {"params": top, **rates}])

    def recreate_data_iterator(
        self, phase_type: str, epoch: int, compute_start_iter: bool, train_phase_idx: int
    ) -> None:
        """Cluster where it is due, before VISSL makes the epoch's iterator, whose workers get a copy of the labels."""
        if phase_type == "train":
            due = train_phase_idx % self.settings.EVERY == 0 and self._clustered_before != train_phase_idx
            if self.assignments is None or due:
                self._cluster(train_phase_idx)
        super().recreate_data_iterator(phase_type, epoch, compute_start_iter, train_phase_idx)

    def get_classy_state(self, deep_copy: bool = False) -> dict[str, Any]:
        state: dict[str, Any] = super().get_classy_state(deep_copy)
        if self.assignments is not None:
            saved = torch.from_numpy(self.assignments.astype(np.int32))
            state["deepcluster"] = {"assignments": saved, "clustered_before": self._clustered_before}
        return state

    def _set_classy_state(self, state: dict[str, Any]) -> None:
        if saved := state.get("deepcluster"):
            self._use(saved["assignments"].numpy().astype(np.int64), saved["clustered_before"])
        super()._set_classy_state(state)

    def _cluster(self, epoch: int) -> None:
        """Make new assignments for training epoch `epoch` and those after it, and a new top layer."""
        dataset, seed = self.datasets["train"], self.config["SEED_VALUE"]
        check_enough(len(dataset), self.settings.K)
        for source in dataset.data_objs:
            if hasattr(source, "set_train_phase_idx"):
                source.set_train_phase_idx(epoch)
        points, seconds = whitened_features(self, self.settings.PCA)
        assignments = np.empty(len(dataset), np.int64)
        if is_primary():
            began = time.monotonic()
            assignments = k_means(points, self.settings.K, self.settings.ITERATIONS, seed + epoch)
            seconds["kmeans"] = time.monotonic() - began
        previous, shared = self.assignments, torch.from_numpy(assignments).to(self.device)
        if world_size() > 1:
            torch.distributed.broadcast(shared, src=0)
        assignments = shared.cpu().numpy()
        self._use(assignments, epoch)
        self.base_model.heads[0].renew_top(generator("top layer", seed, epoch))
        if is_primary():
            record.record(self, epoch + 1, assignments, previous, seconds)

    def _use(self, assignments: Assignments, epoch: int) -> None:
        self.assignments, self._clustered_before = assignments, epoch
        self.dataloaders["train"].sampler.assignments = assignments
        give_labels(self.datasets["train"], assignments)
