"""What a DeepCluster's configuration must have, checked before a run starts."""

from __future__ import annotations

from collections.abc import Iterator

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, run_checks
from vissl_monoimage.config.schema import read_block
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.errors import unknown
from vissl_monoimage.models.heads.deepcluster import NAME as HEAD
from vissl_monoimage.pretext.deepcluster.clustering import WHERE, DeepClusterConfig, check_enough

_HEAD_KEYS = ("dims", "dropout")  # the task writes `clusters`


def check_deepcluster(config: Settings) -> list[str]:
    """Return a sentence for each mistake in the config of a run of `deepcluster_task`."""
    return run_checks((_head, _optimizer, _data, _clusters), config)


def _head(config: Settings) -> Iterator[str]:
    params = config["MODEL"]["HEAD"]["PARAMS"]
    if len(params) != 1 or params[0][0] != HEAD:
        yield f"deepcluster_task needs one head, config.MODEL.HEAD.PARAMS=[[{HEAD},{{dims: [...]}}]], not {params}"
        return
    for key in params[0][1]:
        if key not in _HEAD_KEYS:
            yield f"config.MODEL.HEAD.PARAMS: {unknown(f'key of {HEAD}', key, _HEAD_KEYS)}"
    if not _dims(config):
        yield f"config.MODEL.HEAD.PARAMS: {HEAD} needs dims: the size of the trunk's feature, the widths of fc layers"


def _dims(config: Settings) -> list[int]:
    """Return the widths of the head's layers, an empty list where there is no such head."""
    params = config["MODEL"]["HEAD"]["PARAMS"]
    dims = params[0][1].get("dims") if params and params[0][0] == HEAD else None
    return list(dims or [])


def _optimizer(config: Settings) -> Iterator[str]:
    if config["OPTIMIZER"]["name"] != "sgd":
        yield (
            "deepcluster_task needs config.OPTIMIZER.name=sgd, whose top layer has no momentum, "
            f"not {config['OPTIMIZER']['name']}"
        )


def _data(config: Settings) -> Iterator[str]:
    if config["TEST_MODEL"]:
        yield "deepcluster_task has labels for the training samples alone: config.TEST_MODEL=false"
    train = config["DATA"]["TRAIN"]
    for key in ("USE_STATEFUL_DISTRIBUTED_SAMPLER", "USE_DEBUGGING_SAMPLER"):
        if train[key]:
            yield f"deepcluster_task draws its samples by cluster: config.DATA.TRAIN.{key}=false"


def _clusters(config: Settings) -> Iterator[str]:
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
