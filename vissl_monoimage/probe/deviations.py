"""Where a run deviates from the protocol that it names, so that a shortened trial never passes for a full one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vissl.config import AttrDict

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.features import Shape
from vissl_monoimage.probe.protocols import get_protocol


def deviations(config: AttrDict) -> list[str]:
    """Return where `config` differs from its MONOIMAGE.PROTOCOL, each as "key=value (the protocol's value)".

    Raises:
        MonoImageError: there is no such protocol.
    """
    protocol = get_protocol(config.MONOIMAGE.PROTOCOL)
    replicas = config.DISTRIBUTED.NUM_NODES * config.DISTRIBUTED.NUM_PROC_PER_NODE
    batch = config.DATA.TRAIN.BATCHSIZE_PER_REPLICA * replicas if protocol.batch else None
    rows: list[tuple[str, Any, Any]] = [
        ("global batch", batch, protocol.batch),
        ("DATA.TRAIN.TRANSFORMS", _names_and_sizes(config.DATA.TRAIN.TRANSFORMS), list(protocol.train)),
        ("DATA.TEST.TRANSFORMS", _names_and_sizes(config.DATA.TEST.TRANSFORMS), list(protocol.test)),
        *((key, _look_up(config, key), value) for key, value in protocol.settings.items()),
        *(("head", name, protocol.head) for name in dict.fromkeys(_head_names(config)) if protocol.head),
    ]
    return [f"{key}={value} ({expected})" for key, value, expected in rows if value != expected]


def record_deviations(config: AttrDict) -> None:
    """Write `deviations` into MONOIMAGE.PROTOCOL_CHANGES for the ledger, unless they are there already.

    Call it before anything else is written into `config`: what is written then is no deviation.

    Raises:
        MonoImageError: there is no such protocol.
    """
    if "PROTOCOL_CHANGES" not in config.MONOIMAGE:
        config.MONOIMAGE.PROTOCOL_CHANGES = deviations(config)


def record_pooling(config: AttrDict, shapes: Mapping[str, Shape]) -> None:
    """Add to MONOIMAGE.PROTOCOL_CHANGES each layer whose pooling is not that of the protocol.

    Args:
        config: what lies below VISSL's `config`.
        shapes: (channels, height, width) of each layer's feature.
    """
    pooling, changes = get_protocol(config.MONOIMAGE.PROTOCOL).pooling, config.MONOIMAGE.PROTOCOL_CHANGES
    if pooling is None:
        return
    for layer, op in config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP:
        try:
            expected = pooling.op(layer, shapes[layer])
        except MonoImageError:  # the protocol does not probe this layer
            expected = ["none"]
        change = f"pooling of {layer}={op} ({expected})"
        if op != expected and change not in changes:
            changes.append(change)


def _head_names(config: AttrDict) -> list[str]:
    return [item[0] for item in config.MODEL.HEAD.PARAMS]


def _names_and_sizes(transforms: list[Mapping[str, Any]]) -> list[str]:
    return [
        " ".join(str(item[key]) for key in ("name", "size") if key in item)
        for item in transforms
        if item["name"] != "Normalize"
    ]


def _look_up(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, Mapping) else None
    return config
