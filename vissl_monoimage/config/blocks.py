"""Our own block of the configuration, `config.MONOIMAGE`, and what a run names: photos, protocol, checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.data.labels_vissl import check_labels
from vissl_monoimage.errors import MonoImageError


@dataclass(frozen=True)
class MonoImageConfig:
    """`config.MONOIMAGE`; every key is optional.

    Attributes:
        SOURCE: the single-image source (`images.recipe.SourceBlock`).
        PATCHES: the embedded labelled set (`images.patches.PatchesConfig`).
        PROTOCOL: name of the probe protocol (`probe.protocols`).
        BF16: run the model's forward under bfloat16 autocast, on CPU as well.
        CACHE_FEATURES: run a probe's frozen trunk once over the data instead of in every epoch (`probe.cache`).
        DEEPCLUSTER: the clustering (`pretext.deepcluster.clustering.DeepClusterConfig`).
        PICTURES_EVERY: epochs between two sets of pictures of what a generator draws, or of clusters; 0: none.
        LEDGER: file the result is appended to; "" is ledger.jsonl in the run's folder.
    """

    SOURCE: Mapping[str, Any] = field(default_factory=dict)
    PATCHES: Mapping[str, Any] = field(default_factory=dict)
    PROTOCOL: str = ""
    BF16: bool = False
    CACHE_FEATURES: bool = False
    DEEPCLUSTER: Mapping[str, Any] = field(default_factory=dict)
    PICTURES_EVERY: int = 1
    LEDGER: str = ""


def problems_in(config: Mapping[str, Any], splits: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Problems with `config.MONOIMAGE`, and with the photos and the checkpoint that `config` names.

    Args:
        config: what lies below VISSL's `config`, as plain containers.
        splits: ("TRAIN" or "TEST", its part of config.DATA) for each split the run reads.
    """
    from classy_vision.tasks import TASK_REGISTRY

    from vissl_monoimage.models.checkpoint import check_trunk
    from vissl_monoimage.probe.linear import ProbeTask
    from vissl_monoimage.probe.protocols import protocol

    block = config.get("MONOIMAGE") or {}
    yield from _told(lambda: read_block(MonoImageConfig, block, "config.MONOIMAGE"))
    if config["MODEL"]["BASE_MODEL_NAME"] == "probe_model":
        yield from _told(lambda: protocol(block.get("PROTOCOL", "")))
    task = TASK_REGISTRY.get(config["TRAINER"]["TASK_NAME"], object)
    if block.get("CACHE_FEATURES") and not issubclass(task, ProbeTask):
        yield "config.MONOIMAGE.CACHE_FEATURES is for probes alone: config.TRAINER.TASK_NAME=probe_task"
    splits = list(splits)
    if any(isinstance(data["DATA_PATHS"], str) for _, data in splits):  # told by the check of the data
        splits = []
    for split, data in splits:
        for index, source in enumerate(data["DATA_SOURCES"]):
            if source in ("single_image", "photo_patches"):
                yield from _told(lambda s=source, i=index, where=split: _open_source(config, s, i, where))  # type: ignore[misc]
            if source == "single_image" and split == "TRAIN":
                yield from _told(lambda: check_labels(config))
    yield from check_trunk(config["MODEL"]["WEIGHTS_INIT"]["PARAMS_FILE"], config)


def _open_source(config: Mapping[str, Any], source: str, index: int, split: str) -> None:
    """Build one of our data sources as VISSL will; it reads its photos and its block, or says what is wrong."""
    from vissl.config import AttrDict
    from vissl.data import DATASET_SOURCE_MAP

    data = config["DATA"][split]
    paths = data["DATA_PATHS"]
    if source == "single_image" and index >= len(paths):
        raise MonoImageError(
            f"config.DATA.{split}.DATA_PATHS names no photo: give [photo.jpg], or [china] for the one that comes along"
        )
    DATASET_SOURCE_MAP[source](
        cfg=AttrDict(dict(config)),
        data_source=source,
        path=paths[index] if paths else "",
        split=split,
        dataset_name=data["DATASET_NAMES"][index],
    )


def _told(check: Callable[[], Any]) -> list[str]:
    try:
        check()
    except MonoImageError as error:
        return [str(error)]
    return []
