"""Our own block of the configuration, `config.MONOIMAGE`, and what it names: photos, protocol, checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from vissl_monoimage.schema import read_block


@dataclasses.dataclass(frozen=True)
class MonoImageConfig:
    """`config.MONOIMAGE`; every key is optional.

    SOURCE: the single-image source (`images.recipe`). PROTOCOL: name of the probe protocol, for the ledger.
    BF16: run the model's forward under bfloat16 autocast. LEDGER: where results are appended
    ("" is ledger.jsonl in the run's folder).
    """

    SOURCE: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    PROTOCOL: str = ""
    BF16: bool = False
    LEDGER: str = ""


def check_blocks(config: dict[str, Any]) -> Iterator[str]:
    """Problems with our block and with the photos and checkpoints the configuration names."""
    read_block(MonoImageConfig, config.get("MONOIMAGE"), "config.MONOIMAGE")
    yield from ()
