"""A frozen trunk's pooled features, computed once a run and read from memory-mapped files from then on.

With `config.MONOIMAGE.CACHE_FEATURES: true` the trunk sees every image once instead of once an epoch. All else is
the run without it: the sampler's order, the heads, the train step, the checkpoint. Each node fills files of its own,
its processes an equal share each. The files lose their names as soon as all of them are open: the memory of them
stays for as long as the processes live, and a run leaves nothing behind however it ends.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from classy_vision.generic.distributed_util import barrier
from classy_vision.hooks import ClassyHook
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from vissl.data import wrap_dataloader
from vissl.utils.env import get_machine_local_and_dist_rank

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.progress import track

KEY = "config.MONOIMAGE.CACHE_FEATURES"
BATCH = 256  # images the trunk sees at once

Batch = dict[str, list[Tensor]]


class Files(NamedTuple):
    """One split's cache.

    Attributes:
        features: (samples, sum of all layers' features) float32, a layer after the other.
        targets: (samples, 2) int64, the label and VISSL's data_valid.
    """

    features: NDArray[np.float32]
    targets: NDArray[np.int64]


class FeatureCacheHook(ClassyHook):
    """Fill the cache when the run starts, and let the task's loaders read from it."""

    on_phase_start = on_forward = on_loss_and_meter = on_backward = on_update = ClassyHook._noop
    on_step = on_phase_end = on_end = on_exception = ClassyHook._noop

    def on_start(self, task: Any) -> None:
        for split, images in task.datasets.items():
            task.dataloaders[split] = rows_loader(task, split, cached(task, split, images))


class FeatureRows(Dataset[Any]):
    """The cached stand-in of a split's data set: whole batches, as VISSL's collator would have made them."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files.targets)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Samples -> data (batch, features), label, data_valid and data_idx (batch,), each in a list of one."""
        targets = torch.from_numpy(self.files.targets[indices])
        return {
            "data": [torch.from_numpy(self.files.features[indices])],
            "data_valid": [targets[:, 1]],
            "data_idx": [torch.tensor(indices)],
            "label": [targets[:, 0]],
        }


def cached(task: Any, split: str, images: Dataset[Any]) -> Files:
    """Run the trunk over `images`, all or some of `split` ("train" or "test"), this process over its share.

    Raises:
        MonoImageError: the disk is full, or a sample has no single whole number for its label.
    """
    local, overall = get_machine_local_and_dist_rank()
    processes = task.config.DISTRIBUTED.NUM_PROC_PER_NODE
    folder = Path(task.checkpoint_folder, f"features_{overall // processes}.tmp")
    count = len(images)  # type: ignore[arg-type]  # torch's data sets need not have a length; VISSL's have
    with _nameless(folder, count, features_in(task.config.MODEL), creates=local == 0) as files:
        share = range(count * local // processes, count * (local + 1) // processes)
        _fill(files, Subset(images, share), task, split)
    return files


@contextmanager
def _nameless(folder: Path, samples: int, features: int, creates: bool) -> Iterator[Files]:
    """Files that all processes of a node share and no folder lists; complete for all when the block is left."""
    paths = folder / "features", folder / "targets"
    try:
        if creates:
            shutil.rmtree(folder, ignore_errors=True)  # of a run killed in just this moment
            folder.mkdir()
            _reserve(paths[0], 4 * samples * features)
            _reserve(paths[1], 8 * samples * 2)
        barrier()
        files = Files(
            np.memmap(paths[0], np.float32, "r+", shape=(samples, features)).view(np.ndarray),
            np.memmap(paths[1], np.int64, "r+", shape=(samples, 2)).view(np.ndarray),
        )
        barrier()
    finally:
        if creates:
            shutil.rmtree(folder, ignore_errors=True)
    yield files
    barrier()


def _reserve(path: Path, size: int) -> None:
    """Take the disk blocks now: a memory-mapped write to a full disk would end the process without a word."""
    try:
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise MonoImageError(f"{KEY}: no {size / 1e9:.1f} GB for '{path.parent}': {error.strerror}") from None


def _fill(files: Files, share: Subset[Any], task: Any, split: str) -> None:
    model = task.base_model
    model.trunk.eval()
    loader = DataLoader(share, batch_size=BATCH, num_workers=task.config.DATA.NUM_DATALOADER_WORKERS)
    row = share.indices[0] if len(share) else 0
    for batch in track(loader, f"features of the {split} images"):
        images, labels = batch["data"][0].to(task.device), batch["label"][0]
        if not isinstance(labels, Tensor) or labels.dim() != 1 or labels.is_floating_point():
            raise MonoImageError(f"{KEY} needs one whole number a sample for its label")
        with torch.no_grad(), torch.autocast(task.device.type, dtype=torch.bfloat16, enabled=task.bf16):
            features = model.features(images)
        rows = slice(row, row + len(images))
        files.features[rows] = torch.cat([feature.flatten(1).float() for feature in features], 1).cpu().numpy()
        files.targets[rows] = torch.stack([labels, batch["data_valid"][0]], 1).numpy()
        row = rows.stop


def rows_loader(task: Any, split: str, files: Files) -> Any:
    """A loader of rows in the order of the loader of images, whose sampler it takes over."""
    images, data = task.dataloaders[split], task.config.DATA
    rows = DataLoader(
        FeatureRows(files),
        batch_size=images.batch_size,
        sampler=images.sampler,
        drop_last=images.drop_last,
        collate_fn=_as_it_is,
        pin_memory=data.PIN_MEMORY,
    )
    return wrap_dataloader(rows, data["ENABLE_ASYNC_GPU_COPY"], task.device)


def _as_it_is(batch: Any) -> Any:  # a Batch, where torch's type for it says list
    return batch


def shapes_in(model_config: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """(channels, height, width) of the pooled feature of each layer, as `prepare` wrote them into the heads."""
    return [tuple(kwargs["shape"]) for _, kwargs in model_config["HEAD"]["PARAMS"]]


def features_in(model_config: Mapping[str, Any]) -> int:
    """Length of a row: the features of all layers."""
    return sum(math.prod(shape) for shape in shapes_in(model_config))


def layers_of(rows: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """(batch, features) -> each layer's (batch, channels, height, width)."""
    parts = rows.split([math.prod(shape) for shape in shapes], 1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]
