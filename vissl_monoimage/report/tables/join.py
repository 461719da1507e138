"""Probes joined with the pretrainings whose checkpoints they read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from vissl_monoimage.config.references import ZOO
from vissl_monoimage.ledger.io import FILE_NAME, Row, read
from vissl_monoimage.probe.protocols import PROTOCOLS


@dataclasses.dataclass(frozen=True)
class ProbedTrunk:
    """A probe and the pretraining whose checkpoint it read: None for random weights or a foreign file."""

    probe: Row
    pretrain: Row | None

    @property
    def experiment(self) -> tuple[str, str]:
        """The same for all probes of one line of a table: those that differ in nothing but seeds."""
        origin = self.pretrain.experiment if self.pretrain else self.probe.checkpoint_in_sha256 or "random"
        return origin, self.probe.group_hash

    @property
    def parts(self) -> list[ProbedTrunk]:
        """The probe itself; of a low-shot one, whose layers are called `conv1 k=4`, a probe for each k.

        Their layers are `conv1` again, and the k follows the name of their protocol.
        """
        found: dict[str, dict[str, dict[str, float]]] = {}
        for name, scores in self.probe.accuracies.items():
            layer, _, shots = name.partition(" k=")
            found.setdefault(shots, {})[layer] = scores
        if set(found) <= {""}:
            return [self]
        named = {f"{self.probe.protocol}, k={shots}": layers for shots, layers in found.items()}
        return [
            dataclasses.replace(self, probe=dataclasses.replace(self.probe, protocol=protocol, accuracies=layers))
            for protocol, layers in named.items()
        ]

    @property
    def trunk_checkpoint(self) -> str | None:
        """A checkpoint with the trunk as it was asked: the one that was read, or the probe's own of random weights.

        None for a network that was trained on labels from random weights: no file has its trunk as it was before.
        """
        named = PROTOCOLS.get(self.probe.protocol or "")
        own = self.probe.checkpoint_out if named is None or named.frozen else None
        return self.probe.checkpoint_in or own

    @property
    def is_untrained(self) -> bool:
        """Neither a pretraining nor a file is behind the trunk."""
        return self.pretrain is None and self.probe.checkpoint_in is None

    @property
    def zoo(self) -> str:
        """The model of VISSL's zoo that was probed, by its name; "" for other files."""
        found = re.search(rf"\.PARAMS_FILE={ZOO}(\S+)", self.probe.command)
        return found[1] if found else ""

    @property
    def is_fixed(self) -> bool:
        """The trunk has nothing to learn; its `method` names its features."""
        return self.is_untrained and self.probe.method != "random"


def join_probes(rows: Iterable[Row]) -> list[ProbedTrunk]:
    """Each probe with its pretraining, known by the checkpoint's bytes; the ledger beside it is read too.

    A training repeated may end in the same bytes: of such pretrainings, the one whose file the probe read.
    """
    rows = list(rows)
    made = _by_checkpoint(rows)
    found = []
    for probe in (row for row in rows if row.kind == "probe"):
        beside = Path(probe.checkpoint_in or "").parent / FILE_NAME
        if probe.checkpoint_in_sha256 and probe.checkpoint_in_sha256 not in made and beside.is_file():
            made |= _by_checkpoint(read([beside]))
        same = made.get(probe.checkpoint_in_sha256 or "", [])
        read_by_it = (row for row in same if row.checkpoint_out == probe.checkpoint_in)
        found.append(ProbedTrunk(probe, next(read_by_it, same[-1] if same else None)))
    return found


def _by_checkpoint(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.kind == "pretrain" and row.checkpoint_out_sha256:
            found.setdefault(row.checkpoint_out_sha256, []).append(row)
    return found
