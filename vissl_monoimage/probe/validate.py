"""Whether a probe's features can be kept: the check before anything starts."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vissl.config import AttrDict
from vissl.data import DATASET_SOURCE_MAP, VisslDatasetCatalog, dataset_catalog
from vissl.models import is_feature_extractor_model

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.probe.configure import prepare
from vissl_monoimage.probe.feature_cache import KEY, features_in

# What always gives the same tensor for an image, and one of it.
DETERMINISTIC = ("CenterCrop", "Grayscale", "Normalize", "Pad", "Resize", "ToTensor")


def problems_with(config: Mapping[str, Any]) -> list[str]:
    """Why the features of `config`'s run cannot be cached, a sentence each; [] where they can.

    `config` is what lies below VISSL's `config`, as plain containers.
    """
    prepared = AttrDict(copy.deepcopy(dict(config)))
    try:
        prepare(prepared)
    except MonoImageError as error:
        return [str(error)]
    if prepared.MODEL.BASE_MODEL_NAME != "probe_model" or not is_feature_extractor_model(prepared.MODEL):
        settings = "config.MODEL.FEATURE_EVAL_SETTINGS"
        return [
            f"{KEY} needs a trunk that never changes: config.MODEL.BASE_MODEL_NAME=probe_model, "
            f"{settings}.EVAL_MODE_ON=true and {settings}.FREEZE_TRUNK_ONLY=true"
        ]
    splits = [split for split, read in (("TRAIN", not config["TEST_ONLY"]), ("TEST", config["TEST_MODEL"])) if read]
    found = [problem for split in splits for problem in _problems_of_split(split, prepared)]
    return found or _problems_of_disk(splits, prepared)


def _problems_of_split(split: str, config: AttrDict) -> Iterator[str]:
    data, where = config.DATA[split], f"config.DATA.{split}"
    for name in (transform["name"] for transform in data.TRANSFORMS):
        if name not in DETERMINISTIC:
            yield (
                f"{KEY}: {where}.TRANSFORMS has {name}, and only what always gives the same one tensor for an image "
                f"can be kept: {', '.join(DETERMINISTIC)}"
            )
    if len(data.DATA_SOURCES) != 1 or data.COLLATE_FUNCTION != "default_collate":
        yield f"{KEY} needs one data source and the default_collate in {where}"
    if (config.MONOIMAGE.get("SOURCE") or {}).get("FRESH") and "single_image" in data.DATA_SOURCES:
        yield f"{KEY}: config.MONOIMAGE.SOURCE.FRESH draws other samples in every epoch, so none can be kept"


def _problems_of_disk(splits: Iterable[str], config: AttrDict) -> list[str]:
    row = 4 * features_in(config.MODEL) + 16
    need = row * sum(samples_in(split, config) for split in splits)
    folder = Path(config.CHECKPOINT.DIR).expanduser().absolute()
    standing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(standing).free
    if need <= free:
        return []
    return [f"{KEY} needs {need / 1e9:.1f} GB of disk at '{standing}', where {free / 1e9:.1f} GB are free"]


def samples_in(split: str, config: AttrDict) -> int:
    """Samples of a split; 0 where its data are not found, which the check of the data tells."""
    data = config.DATA[split]
    if data.DATA_LIMIT >= 0:
        return int(data.DATA_LIMIT)
    source, name = data.DATA_SOURCES[0], data.DATASET_NAMES[0]
    if not data.DATA_PATHS and source != "synthetic" and not VisslDatasetCatalog.has_data(name):
        return 0
    path = data.DATA_PATHS[0] if data.DATA_PATHS else dataset_catalog.get_data_files(split, config.DATA)[0][0]
    if source.startswith(("disk_", "torchvision")) and not Path(path).exists():
        return 0
    opened = DATASET_SOURCE_MAP[source](cfg=config, data_source=source, path=path, split=split, dataset_name=name)
    return len(opened)
