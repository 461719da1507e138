"""Checks of a probe's config before anything starts: whether the features of its images can be cached."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from vissl.config import AttrDict
from vissl.data import DATASET_SOURCE_MAP, VisslDatasetCatalog, dataset_catalog
from vissl.models import is_feature_extractor_model

from vissl_monoimage.probe.feature_rows import KEY, pooled_shapes, row_length

DETERMINISTIC = ("CenterCrop", "Grayscale", "Normalize", "Pad", "Resize", "ToTensor")
"""Transforms that always give the same tensor for an image, and only one."""


def cache_problems(configured: AttrDict) -> Iterator[str]:
    """Yield why the features of a run cannot be cached.

    Args:
        configured: what lies below VISSL's `config`, completed by `configure_probe`.
    """
    if configured.MODEL.BASE_MODEL_NAME != "probe_model" or not is_feature_extractor_model(configured.MODEL):
        settings = "config.MODEL.FEATURE_EVAL_SETTINGS"
        yield (
            f"{KEY} needs a trunk that never changes: config.MODEL.BASE_MODEL_NAME=probe_model, "
            f"{settings}.EVAL_MODE_ON=true and {settings}.FREEZE_TRUNK_ONLY=true"
        )
        return
    reads = {"TRAIN": not configured.TEST_ONLY, "TEST": configured.TEST_MODEL}
    splits = [split for split, read in reads.items() if read]
    problems = [problem for split in splits for problem in _split_problems(split, configured)]
    yield from problems or _disk_problems(splits, configured)


def _split_problems(split: str, config: AttrDict) -> Iterator[str]:
    data, where = config.DATA[split], f"config.DATA.{split}"
    for name in (transform["name"] for transform in data.TRANSFORMS):
        if name not in DETERMINISTIC:
            yield (
                f"{KEY}: {where}.TRANSFORMS has {name}, but features can only be cached if an image always gives the "
                f"same single tensor: {', '.join(DETERMINISTIC)}"
            )
    if len(data.DATA_SOURCES) != 1 or data.COLLATE_FUNCTION != "default_collate":
        yield f"{KEY} needs one data source and the default_collate in {where}"
    if (config.MONOIMAGE.get("SOURCE") or {}).get("FRESH") and "single_image" in data.DATA_SOURCES:
        yield f"{KEY}: config.MONOIMAGE.SOURCE.FRESH draws new samples in every epoch, so none can be cached"


def _disk_problems(splits: Iterable[str], config: AttrDict) -> Iterator[str]:
    row = 4 * row_length(pooled_shapes(config.MODEL), moments=True) + 16
    needed = row * sum(count_samples(split, config) for split in splits)
    folder = Path(config.CHECKPOINT.DIR).expanduser().absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        yield f"{KEY} needs {needed / 1e9:.1f} GB of disk at '{existing}', where {free / 1e9:.1f} GB are free"


def count_samples(split: str, config: AttrDict) -> int:
    """Return the number of samples of a split, or 0 where its data do not exist or are damaged.

    The data check reports the first; torchvision finds the second when it opens them.
    """
    data = config.DATA[split]
    if data.DATA_LIMIT >= 0:
        return int(data.DATA_LIMIT)
    source, name = data.DATA_SOURCES[0], data.DATASET_NAMES[0]
    if not data.DATA_PATHS and source != "synthetic" and not VisslDatasetCatalog.has_data(name):
        return 0
    path = data.DATA_PATHS[0] if data.DATA_PATHS else dataset_catalog.get_data_files(split, config.DATA)[0][0]
    if source.startswith(("disk_", "torchvision")) and not Path(path).exists():
        return 0
    try:
        return len(
            DATASET_SOURCE_MAP[source](cfg=config, data_source=source, path=path, split=split, dataset_name=name)
        )
    except RuntimeError:
        return 0
