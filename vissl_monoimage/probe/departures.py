"""Where a run departs from the protocol it names, so that a shortened trial never passes for the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vissl.config import AttrDict

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
    ]
    return [f"{key}={value} ({expected})" for key, value, expected in rows if value != expected]


def note_departures(config: AttrDict) -> None:
    """Write `departures` into MONOIMAGE.PROTOCOL_CHANGES, for the ledger; once, before anything else is written.

    Raises:
        MonoImageError: an unknown protocol.
    """
    if "PROTOCOL_CHANGES" not in config.MONOIMAGE:
        config.MONOIMAGE.PROTOCOL_CHANGES = departures(config)


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
