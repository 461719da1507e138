"""Per-layer tables from ledger rows: one for each protocol and data set, a line a method, a column a layer.

A cell is the mean test accuracy over trained trunks and its 95 % interval (Student's t). Probes repeated on
one trunk are averaged first and count once: repeating the probe says nothing about the spread between
trainings. One trunk alone has no interval, and its line says n=1.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from vissl_monoimage.ledger.io import FILE_NAME, Row, read
from vissl_monoimage.probe.protocols import asked_by
from vissl_monoimage.report.tables.disambiguate import hints
from vissl_monoimage.report.tables.experiment import Line, Probed, label, line_of


@dataclasses.dataclass(frozen=True)
class Table:
    """Lines probed on one data set, with one protocol and the same changes to it; random weights first."""

    protocol: str
    changes: tuple[str, ...]
    dataset: str
    layers: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        return f"{asked_by(self.protocol)}, top-1 test accuracy (%): {self.context}"

    @property
    def context(self) -> str:
        """Data set and protocol, in the words that every heading uses."""
        return f"{self.dataset}, protocol {self.protocol}{' with changes' if self.changes else ''}"

    @property
    def departures(self) -> str:
        """Where the runs left the protocol, with its own values in brackets; empty where they kept to it."""
        return f"Not {self.protocol} as it stands: {'; '.join(self.changes)}" if self.changes else ""


def link(rows: Iterable[Row]) -> list[Probed]:
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
        found.append(Probed(probe, next(read_by_it, same[-1] if same else None)))
    return found


def build(probed: Iterable[Probed]) -> list[Table]:
    """Tables in the order their protocol, its changes and data set first appear."""
    groups: dict[tuple[str, tuple[str, ...], str], dict[tuple[str, str], list[Probed]]] = {}
    for item in (part for one in probed for part in one.parts):
        key = (item.probe.protocol or "vissl", tuple(item.probe.protocol_changes), item.probe.dataset)
        groups.setdefault(key, {}).setdefault(item.experiment, []).append(item)
    return [_table(*key, list(lines.values())) for key, lines in groups.items()]


def _by_checkpoint(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.kind == "pretrain" and row.checkpoint_out_sha256:
            found.setdefault(row.checkpoint_out_sha256, []).append(row)
    return found


def _table(protocol: str, changes: tuple[str, ...], dataset: str, groups: list[list[Probed]]) -> Table:
    groups = sorted(groups, key=lambda group: (not group[0].untaught, group[0].fixed, label(group[0])))
    layers = {layer for group in groups for layer in group[0].probe.accuracies}
    names = [(label(group[0]), group[0].probe.trunk) for group in groups]
    apart = hints(names, [group[0].pretrain or group[0].probe for group in groups])
    lines = [line_of(group, name[0] + hint) for group, name, hint in zip(groups, names, apart, strict=True)]
    return Table(protocol, changes, dataset, tuple(sorted(layers, key=_place)), tuple(lines))


def _place(layer: str) -> list[str | int]:
    """Sorts layers by name, then by number: conv1, conv2, conv10, res2."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", layer)]
