"""What is wrong with a DeepCluster's config, found before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vissl_monoimage.config.access import monoimage_block
from vissl_monoimage.config.schema import read_block
from vissl_monoimage.data.crops.recipe import read_source_block
from vissl_monoimage.errors import sentences, unknown
from vissl_monoimage.models.heads.deepcluster import NAME as HEAD
from vissl_monoimage.pretext.deepcluster.clustering import WHERE, DeepClusterConfig, check_enough

_OF_THE_HEAD = ("dims", "dropout")  # the task writes `clusters`


def problems_with(config: Mapping[str, Any]) -> list[str]:
    """A sentence for each mistake; `config` is what lies below VISSL's `config`, as plain containers."""
    return sentences((_head, _optimizer, _data, _clusters), config)


def _head(config: Mapping[str, Any]) -> Iterator[str]:
    params = config["MODEL"]["HEAD"]["PARAMS"]
    if len(params) != 1 or params[0][0] != HEAD:
        yield f"deepcluster_task needs one head, config.MODEL.HEAD.PARAMS=[[{HEAD},{{dims: [...]}}]], not {params}"
        return
    for key in params[0][1]:
        if key not in _OF_THE_HEAD:
            yield f"config.MODEL.HEAD.PARAMS: {unknown(f'key of {HEAD}', key, _OF_THE_HEAD)}"
    if not _dims(config):
        yield f"config.MODEL.HEAD.PARAMS: {HEAD} needs dims: the size of the trunk's feature, the widths of fc layers"


def _dims(config: Mapping[str, Any]) -> list[int]:
    """The head's, or none, where it has none."""
    params = config["MODEL"]["HEAD"]["PARAMS"]
    found = params[0][1].get("dims") if params and params[0][0] == HEAD else None
    return list(found or [])


def _optimizer(config: Mapping[str, Any]) -> Iterator[str]:
    if config["OPTIMIZER"]["name"] != "sgd":
        yield (
            "deepcluster_task needs config.OPTIMIZER.name=sgd, whose top layer has no momentum, "
            f"not {config['OPTIMIZER']['name']}"
        )


def _data(config: Mapping[str, Any]) -> Iterator[str]:
    if config["TEST_MODEL"]:
        yield "deepcluster_task has labels for the training samples alone: config.TEST_MODEL=false"
    train = config["DATA"]["TRAIN"]
    for key in ("USE_STATEFUL_DISTRIBUTED_SAMPLER", "USE_DEBUGGING_SAMPLER"):
        if train[key]:
            yield f"deepcluster_task draws its samples by cluster: config.DATA.TRAIN.{key}=false"


def _clusters(config: Mapping[str, Any]) -> Iterator[str]:
    ours = monoimage_block(config)
    settings = read_block(DeepClusterConfig, ours.get("DEEPCLUSTER"), WHERE)
    dims, train = _dims(config), config["DATA"]["TRAIN"]
    if dims and dims[-1] < settings.PCA:
        yield f"{WHERE}.PCA={settings.PCA} is more than the head's {dims[-1]} features: give at most {dims[-1]}"
    if "single_image" in train["DATA_SOURCES"]:
        source = read_source_block(ours.get("SOURCE"))
        samples = train["DATA_LIMIT"] if train["DATA_LIMIT"] >= 0 else source.NUM_SAMPLES
        if source.FRESH and settings.EVERY > 1:
            yield f"{WHERE}.EVERY={settings.EVERY} needs crops that stay: config.MONOIMAGE.SOURCE.FRESH=false"
        check_enough(samples, settings.K)
