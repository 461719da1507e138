"""Where a run departs from the protocol it names, so that a shortened trial never passes for the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vissl.config import AttrDict

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.features import Shape
from vissl_monoimage.probe.protocols import protocol


def departures(config: AttrDict) -> list[str]:
    """Where `config` differs from the protocol it names (MONOIMAGE.PROTOCOL), as "key=value (protocol's)"."""
    wanted = protocol(config.MONOIMAGE.PROTOCOL)
    replicas = config.DISTRIBUTED.NUM_NODES * config.DISTRIBUTED.NUM_PROC_PER_NODE
    rows: list[tuple[str, Any, Any]] = [
        ("global batch", config.DATA.TRAIN.BATCHSIZE_PER_REPLICA * replicas if wanted.batch else None, wanted.batch),
        ("DATA.TRAIN.TRANSFORMS", _spell(config.DATA.TRAIN.TRANSFORMS), list(wanted.train)),
        ("DATA.TEST.TRANSFORMS", _spell(config.DATA.TEST.TRANSFORMS), list(wanted.test)),
        *((key, _look_up(config, key), value) for key, value in wanted.settings.items()),
        *(("head", name, wanted.head) for name in dict.fromkeys(_heads(config)) if wanted.head),
    ]
    return [f"{key}={value} ({expected})" for key, value, expected in rows if value != expected]


def note_departures(config: AttrDict) -> None:
    """Write `departures` into MONOIMAGE.PROTOCOL_CHANGES, for the ledger; once, before anything else is written.

    Raises:
        MonoImageError: an unknown protocol.
    """
    if "PROTOCOL_CHANGES" not in config.MONOIMAGE:
        config.MONOIMAGE.PROTOCOL_CHANGES = departures(config)


def note_pooling(config: AttrDict, shapes: Mapping[str, Shape]) -> None:
    """Add to MONOIMAGE.PROTOCOL_CHANGES each layer, of feature shape `shapes`, pooled as its protocol would not."""
    pooling, changes = protocol(config.MONOIMAGE.PROTOCOL).pooling, config.MONOIMAGE.PROTOCOL_CHANGES
    if pooling is None:
        return
    for layer, op in config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP:
        try:
            wanted = pooling.op(layer, shapes[layer])
        except MonoImageError:  # a layer that the protocol leaves alone
            wanted = ["none"]
        change = f"pooling of {layer}={op} ({wanted})"
        if op != wanted and change not in changes:
            changes.append(change)


def _heads(config: AttrDict) -> list[str]:
    return [item[0] for item in config.MODEL.HEAD.PARAMS]


def _spell(transforms: list[Mapping[str, Any]]) -> list[str]:
    return [
        " ".join(str(item[key]) for key in ("name", "size") if key in item)
        for item in transforms
        if item["name"] != "Normalize"
    ]


def _look_up(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, Mapping) else None
    return config
