"""Probes joined with the pretrainings whose checkpoints they read."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import FILE_NAME, read
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.probe.protocols import PROTOCOLS


@dataclasses.dataclass(frozen=True)
class ProbedTrunk:
    """A probe with the pretraining of its trunk.

    Attributes:
        probe: the ledger row of the probe.
        pretrain: the row of the pretraining whose checkpoint it read; None for random weights, fixed features and
            checkpoints of unknown origin.
    """

    probe: Row
    pretrain: Row | None

    @property
    def experiment(self) -> tuple[str, str]:
        """A key shared by the probes of one line of a table: those that differ in nothing but seeds."""
        origin = self.pretrain.experiment if self.pretrain else self.probe.weights.sha256 or "random"
        return origin, self.probe.experiment

    @property
    def parts(self) -> list[ProbedTrunk]:
        """The probe itself, or, if it is few-shot with layers called `conv1 k=4`, one probe for each k.

        Their layers are called `conv1` again, and the k follows the name of their protocol.
        """
        by_shots: dict[str, dict[str, dict[str, float]]] = {}
        for name, scores in self.probe.accuracies.items():
            layer, _, shots = name.partition(" k=")
            by_shots.setdefault(shots, {})[layer] = scores
        if set(by_shots) == {""}:
            return [self]
        named = {f"{self.probe.protocol}, k={shots}": layers for shots, layers in by_shots.items()}
        return [
            dataclasses.replace(self, probe=dataclasses.replace(self.probe, protocol=protocol, accuracies=layers))
            for protocol, layers in named.items()
        ]

    def with_top_1(self, warn: Callable[[str], None]) -> ProbedTrunk:
        """Return the probe without layers that have no top-1 accuracy, after a sentence on them for `warn`."""
        accuracies = {layer: scores for layer, scores in self.probe.accuracies.items() if "top_1" in scores}
        left_out = [layer for layer in self.probe.accuracies if layer not in accuracies]
        if left_out or not accuracies:
            layers = ", ".join(left_out) or "any layer"
            warn(f"Left out: {self.probe.name}, seed {self.probe.seed}, has no top_1 of {layers}.")
        return dataclasses.replace(self, probe=dataclasses.replace(self.probe, accuracies=accuracies))

    @property
    def trunk_checkpoint(self) -> str | None:
        """The checkpoint with the probed trunk: the one that was read, or the probe's own for random weights.

        None for a network trained on labels from random weights: no file has the trunk as it was before.
        """
        protocol = PROTOCOLS.get(self.probe.protocol or "")
        own = self.probe.checkpoint_out if protocol is None or protocol.frozen else None
        return self.probe.weights.path or own

    @property
    def is_untrained(self) -> bool:
        """Whether neither a pretraining nor a checkpoint is behind the trunk."""
        return self.pretrain is None and self.probe.weights.path is None

    @property
    def is_fixed(self) -> bool:
        """Whether the trunk computes fixed features without weights to train; its `method` names them."""
        return self.is_untrained and self.probe.method != "random"

    @property
    def is_random(self) -> bool:
        """Whether the trunk has its random initial weights, drawn by the probe itself or by `monoimage init random`."""
        return self.pretrain.method == "random" if self.pretrain else self.is_untrained and not self.is_fixed

    @property
    def zoo(self) -> str:
        """The name of the model of VISSL's zoo that was probed; "" for other checkpoints."""
        return self.probe.weights.zoo or ""


def join_probes(rows: Iterable[Row], warn: Callable[[str], None] = warnings.warn) -> list[ProbedTrunk]:
    """Return each probe with its pretraining, matched by the hash of the checkpoint.

    The ledger in the checkpoint's folder is read too. If several pretrainings ended in the same bytes, the one whose
    file the probe read is taken, else the last.

    Args:
        rows: the rows of a ledger.
        warn: called with a sentence for everything in those ledgers that cannot be read.
    """
    rows = list(rows)
    probes = [row for row in rows if row.kind == "probe"]
    pretrainings = _by_checkpoint(rows)
    unknown = [row for row in probes if row.weights.sha256 and row.weights.sha256 not in pretrainings]
    for ledger in dict.fromkeys(Path(row.weights.path or "").parent / FILE_NAME for row in unknown):
        if os.path.isfile(ledger):  # not Path.is_file, which raises on a name that is too long
            pretrainings = _by_checkpoint(_read(ledger, warn)) | pretrainings
    joined = []
    for probe in probes:
        candidates = pretrainings.get(probe.weights.sha256 or "", [])
        same_file = (row for row in candidates if row.checkpoint_out == probe.weights.path)
        joined.append(ProbedTrunk(probe, next(same_file, candidates[-1] if candidates else None)))
    return joined


def _read(ledger: Path, warn: Callable[[str], None]) -> list[Row]:
    try:
        return read([ledger], warn)
    except MonoImageError as error:
        warn(f"Left out: {error}.")
        return []


def _by_checkpoint(rows: Iterable[Row]) -> dict[str, list[Row]]:
    pretrainings: dict[str, list[Row]] = {}
    for row in rows:
        if row.kind == "pretrain" and row.checkpoint_out_sha256:
            pretrainings.setdefault(row.checkpoint_out_sha256, []).append(row)
    return pretrainings
