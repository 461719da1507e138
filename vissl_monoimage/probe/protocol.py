"""What a probe protocol consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vissl_monoimage.probe.pooling import BudgetPooling, FixedPooling


@dataclass(frozen=True)
class Protocol:
    """A name with a version, and every setting that it fixes because the setting can change an accuracy.

    Attributes:
        name: the name in `config.MONOIMAGE.PROTOCOL`, with its version.
        source: the paper, code or script that the protocol comes from.
        pooling: how a layer's feature is pooled before its head; None where the YAML lists the operations.
        batch: images per step, over all processes; None where there are no steps.
        train: training transforms, as "Name size", without colour normalisation.
        test: test transforms, in the same form.
        head: VISSL's name of the head on each layer; "" where `settings` list the heads.
        settings: dotted keys below `config`, each with the value that the protocol requires.
        title: what is trained or fitted, as the first words of a table's title.
        frozen: whether the trunk's weights stay as they are.
    """

    name: str
    source: str
    pooling: FixedPooling | BudgetPooling | None
    batch: int | None
    train: tuple[str, ...] = ("Resize trunk", "ToTensor")
    test: tuple[str, ...] = ("Resize trunk", "ToTensor")
    head: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = "Linear probes"
    frozen: bool = True
