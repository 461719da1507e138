"""The cache of a frozen trunk's pooled features: computed once per run, read from memory-mapped files afterwards.

With `config.MONOIMAGE.CACHE_FEATURES: true` the trunk sees every image once instead of once per epoch. Everything else
is as without it: the sampler's order, the heads, the train step, the checkpoint. Each node has files of its own, which
its processes fill in equal shares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from vissl.data import wrap_dataloader
from vissl.utils.env import get_machine_local_and_dist_rank

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.heads.image_moments import image_moments
from vissl_monoimage.models.heads.linear_probe import LinearProbe
from vissl_monoimage.probe.feature_rows import (
    KEY,
    FeatureRows,
    pooled_shapes,
    row_length,
    split_layers,
    split_moments,
    unlinked_rows,
)
from vissl_monoimage.probe.image_tensors import image_tensors
from vissl_monoimage.utils.precision import autocast
from vissl_monoimage.utils.progress import track

BATCH = 128  # images per forward pass of the trunk: at 256, a third of the time goes into page faults

Batch = dict[str, list[Tensor]]


class FeatureCacheHook(ClassyHook):
    """Fills the cache when the run starts, and gives the task loaders that read from it."""

    on_phase_start = on_forward = on_loss_and_meter = on_backward = on_update = ClassyHook._noop
    on_step = on_phase_end = on_end = on_exception = ClassyHook._noop

    def on_start(self, task: Any) -> None:
        heads = task.base_model.heads
        cheaper = task.device.type == "cpu" and len(heads) > 1 and all(isinstance(head, LinearProbe) for head in heads)
        for split, images in task.datasets.items():
            rows = compute_rows(task, split, images, moments=cheaper and split == "train")
            task.dataloaders[split] = rows_loader(task, split, rows)


class RowsDataset(Dataset[Any]):
    """The rows of a split in place of its images: whole batches, as VISSL's collator would have made them."""

    def __init__(self, rows: FeatureRows) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows.targets)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return data (batch, features), label, data_valid and data_idx (batch,) of the samples, one-item lists."""
        targets = torch.from_numpy(self.rows.targets[indices])
        return {
            "data": [torch.from_numpy(self.rows.features[indices])],
            "data_valid": [targets[:, 1]],
            "data_idx": [torch.tensor(indices)],
            "label": [targets[:, 0]],
        }


def compute_rows(task: Any, split: str, images: Dataset[Any], moments: bool = False) -> FeatureRows:
    """Run the trunk over `images`, all or some images of `split` ("train" or "test"); each process does its share.

    With `moments`, the rows have those of their features too (`row_length`).

    Raises:
        MonoImageError: the disk is full, or a sample has no single whole number as its label.
    """
    local, overall = get_machine_local_and_dist_rank()
    processes = task.config.DISTRIBUTED.NUM_PROC_PER_NODE
    folder = Path(task.checkpoint_folder, f"features_{overall // processes}.tmp")
    count = len(images)  # type: ignore[arg-type]  # torch's data sets need not have a length; VISSL's have
    length = row_length(pooled_shapes(task.config.MODEL), moments)
    with unlinked_rows(folder, count, length, creates=local == 0) as rows:
        share = range(count * local // processes, count * (local + 1) // processes)
        _fill(rows, Subset(images, share), task, split)
    return rows


def _fill(rows: FeatureRows, share: Subset[Any], task: Any, split: str) -> None:
    model, shapes = task.base_model, pooled_shapes(task.config.MODEL)
    model.trunk.eval()
    first = share.indices[0] if len(share) else 0
    for images, labels, valid in _batches(share, task, split):
        if not isinstance(labels, Tensor) or labels.dim() != 1 or labels.is_floating_point():
            raise MonoImageError(f"{KEY} needs one whole number as the label of each sample")
        with torch.no_grad(), autocast(task.device.type, task.bf16):
            features = model.features(images.to(task.device))
        span = slice(first, first + len(images))
        row = torch.from_numpy(rows.features[span])
        for place, feature in zip(split_layers(row, shapes), features, strict=True):
            place.copy_(feature)
        for moments, feature in zip(split_moments(row, shapes), split_layers(row, shapes), strict=False):
            moments.copy_(image_moments(feature))
        rows.targets[span] = torch.stack([labels, valid], 1).numpy()
        first = span.stop


def _batches(share: Subset[Any], task: Any, split: str) -> Iterator[tuple[Tensor, Any, Tensor]]:
    """Yield images (batch, channels, height, width), labels and VISSL's data_valid of all samples in their order."""
    what, tensors = f"features of the {split} images", image_tensors(share)
    if tensors is None:
        loader = DataLoader(share, batch_size=BATCH, num_workers=task.config.DATA.NUM_DATALOADER_WORKERS)
        for batch in track(loader, what):
            yield batch["data"][0], batch["label"][0], batch["data_valid"][0]
        return
    for first in track(range(0, len(share), BATCH), what):
        images, labels = tensors.batch(slice(first, first + BATCH))
        yield images, labels, torch.ones(len(images), dtype=torch.int64)


def rows_loader(task: Any, split: str, rows: FeatureRows) -> Any:
    """Return a loader of rows in the order of the loader of images, whose sampler it takes over."""
    images, data = task.dataloaders[split], task.config.DATA
    loader = DataLoader(
        RowsDataset(rows),
        batch_size=images.batch_size,
        sampler=images.sampler,
        drop_last=images.drop_last,
        collate_fn=_keep_batch,
        pin_memory=data.PIN_MEMORY,
    )
    return wrap_dataloader(loader, data["ENABLE_ASYNC_GPU_COPY"], task.device)


def _keep_batch(batch: Any) -> Any:  # a Batch, which torch's annotation calls a list
    return batch
