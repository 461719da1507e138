"""What is wrong with a DeepCluster's config, found before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.images.recipe import read_source_block
from vissl_monoimage.models.deepcluster_head import NAME as HEAD
from vissl_monoimage.pretext.deepcluster.clustering import WHERE, DeepClusterConfig, check_enough
from vissl_monoimage.schema import read_block


def problems_with(config: Mapping[str, Any]) -> list[str]:
    """A sentence for each mistake; `config` is what lies below VISSL's `config`, as plain containers."""
    found: list[str] = []
    checks: list[Callable[[Mapping[str, Any]], Iterator[str]]] = [_head, _optimizer, _data, _clusters]
    for check in checks:
        try:
            found += check(config)
        except MonoImageError as error:
            found.append(str(error))
    return found


def _head(config: Mapping[str, Any]) -> Iterator[str]:
    params = config["MODEL"]["HEAD"]["PARAMS"]
    if len(params) != 1 or params[0][0] != HEAD:
        yield f"deepcluster_task needs one head, config.MODEL.HEAD.PARAMS=[[{HEAD},{{dims: [...]}}]], not {params}"


def _width(config: Mapping[str, Any]) -> int:
    """Numbers in a feature, by the head's dims."""
    params = config["MODEL"]["HEAD"]["PARAMS"]
    return int(params[0][1]["dims"][-1])


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
    ours = config.get("MONOIMAGE") or {}
    settings = read_block(DeepClusterConfig, ours.get("DEEPCLUSTER"), WHERE)
    width, train = _width(config), config["DATA"]["TRAIN"]
    if width < settings.PCA:
        yield f"{WHERE}.PCA={settings.PCA} is more than the head's {width} features: give at most {width}"
    if "single_image" in train["DATA_SOURCES"]:
        source = read_source_block(ours.get("SOURCE"))
        samples = train["DATA_LIMIT"] if train["DATA_LIMIT"] >= 0 else source.NUM_SAMPLES
        if source.FRESH and settings.EVERY > 1:
            yield f"{WHERE}.EVERY={settings.EVERY} needs crops that stay: config.MONOIMAGE.SOURCE.FRESH=false"
        check_enough(samples, settings.K)
