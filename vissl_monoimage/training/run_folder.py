"""The folder of a run of VISSL: one run at a time, and only ever the run that began in it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from torchvision import datasets
from vissl.config import AttrDict
from vissl.data import VisslDatasetCatalog, dataset_catalog
from vissl.utils.checkpoint import get_checkpoint_folder
from vissl.utils.slurm import get_node_id

from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.data.single_image_vissl import NAME as SINGLE_IMAGE
from vissl_monoimage.data.single_image_vissl import SAME
from vissl_monoimage.data.unreadable import forget_unreadable
from vissl_monoimage.ledger.path_hash import PathHash, hash_path, hash_together
from vissl_monoimage.ledger.provenance import deciding_settings
from vissl_monoimage.ledger.run_claim import Claim, claim_folder
from vissl_monoimage.training.finished import resume_if_unfinished
from vissl_monoimage.utils.atomic_write import replace_text
from vissl_monoimage.utils.folder_lock import folder_lock

_REMEDY = (
    "choose another config.CHECKPOINT.DIR, or remove them and begin again with "
    "config.CHECKPOINT.OVERWRITE_EXISTING=true"
)


@contextmanager
def held_run_folder(config: AttrDict, node_id: int, engine_name: str) -> Iterator[None]:
    """Hold and claim the folder of a training around VISSL's `launch_distributed`, on the first node.

    Args:
        config: what lies below VISSL's `config`, as it is launched.
        node_id: number of this machine in the run; -1 where SLURM says it.
        engine_name: VISSL's engine; only "train" resumes from checkpoints.

    Raises:
        MonoImageError: another run is using the folder, or it holds checkpoints of another run.
    """
    if engine_name != "train" or get_node_id(node_id) != 0:
        yield
        return
    folder = Path(get_checkpoint_folder(config))
    with folder_lock(folder):
        claim_run_folder(config)
        _save_config(config)
        if not any(folder.glob("*.torch")):
            forget_unreadable(config.CHECKPOINT.DIR)
        resume_if_unfinished(folder, config)
        yield


def claim_run_folder(config: AttrDict) -> None:
    """Note in the folder of a training what it computes.

    Raises:
        MonoImageError: the folder holds checkpoints of another run.
    """
    claim = Claim.of(deciding_settings(config), dict(_contents(config)))
    overwrite = config.CHECKPOINT.OVERWRITE_EXISTING
    claim_folder(Path(get_checkpoint_folder(config)), claim, overwrite=overwrite, remedy=_REMEDY)


def _contents(config: AttrDict) -> Iterator[tuple[str, PathHash]]:
    """Yield the dotted key of each path in `config` and what lies there."""
    weights = config.MODEL.WEIGHTS_INIT.PARAMS_FILE
    if weights:
        yield "config.MODEL.WEIGHTS_INIT.PARAMS_FILE", hash_path(weights)
    for split, data in splits(config):
        paths, names = data["DATA_PATHS"] or _catalog_paths(split, config), data["DATASET_NAMES"]
        for index, (source, path, name) in enumerate(zip(data["DATA_SOURCES"], paths, names, strict=False)):
            if path != SAME:
                yield f"config.DATA.{split}.DATA_PATHS[{index}]", _source_content(source, path, name)
        for index, path in enumerate(data["LABEL_PATHS"]):
            if path:
                yield f"config.DATA.{split}.LABEL_PATHS[{index}]", _labels_content(path)


def _catalog_paths(split: str, config: AttrDict) -> list[Any]:
    if not all(VisslDatasetCatalog.has_data(name) for name in config.DATA[split].DATASET_NAMES):
        return []
    paths: list[Any] = dataset_catalog.get_data_files(split, config.DATA)[0]
    return paths


def _source_content(source: str, path: Any, name: str) -> PathHash:
    if source == SINGLE_IMAGE:
        photos = find_photos(path)
        return hash_together(map(hash_path, photos), f"{len(photos)} photos of {path}")
    if source == "torchvision_dataset":  # its folder may hold other data sets as well
        return hash_path(Path(path, getattr(getattr(datasets, name, None), "base_folder", name)))
    return hash_path(path)


def _labels_content(path: Any) -> PathHash:
    paths = path if isinstance(path, (list, tuple)) else [path]
    return hash_together(map(hash_path, paths), f"{len(paths)} files of labels")


def _save_config(config: AttrDict) -> None:
    """Write train_config.yaml as VISSL's launcher does, but whole or not at all, in a folder known to be this run's."""
    saved = copy.deepcopy(config)
    dtype = saved.MODEL.FSDP_CONFIG.compute_dtype  # of torch by now, which YAML cannot hold
    saved.MODEL.FSDP_CONFIG.compute_dtype = str(dtype).removeprefix("torch.")
    replace_text(Path(get_checkpoint_folder(config), "train_config.yaml"), yaml.dump(saved.to_dict()))
