"""Per-layer tables from ledger rows: one for each protocol and data set, a line a method, a column a layer.

A cell is the mean test accuracy over trained trunks and its 95 % interval (Student's t). Probes repeated on
one trunk are averaged first and count once: repeating the probe says nothing about the spread between
trainings. One trunk alone has no interval, and its line says n=1.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from vissl_monoimage.probe.protocols import asked_by
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes
from vissl_monoimage.report.tables.experiment import Line, build_line, trunk_label
from vissl_monoimage.report.tables.join import ProbedTrunk


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


def build_tables(probed: Iterable[ProbedTrunk]) -> list[Table]:
    """Tables in the order their protocol, its changes and data set first appear."""
    groups: dict[tuple[str, tuple[str, ...], str], dict[tuple[str, str], list[ProbedTrunk]]] = {}
    for item in (part for one in probed for part in one.parts):
        key = (item.probe.protocol or "vissl", tuple(item.probe.protocol_changes), item.probe.dataset)
        groups.setdefault(key, {}).setdefault(item.experiment, []).append(item)
    return [_table(*key, list(lines.values())) for key, lines in groups.items()]


def _table(protocol: str, changes: tuple[str, ...], dataset: str, groups: list[list[ProbedTrunk]]) -> Table:
    groups = sorted(groups, key=lambda group: (not group[0].is_untrained, group[0].is_fixed, trunk_label(group[0])))
    layers = {layer for group in groups for layer in group[0].probe.accuracies}
    names = [(trunk_label(group[0]), group[0].probe.trunk) for group in groups]
    apart = disambiguating_suffixes(names, [group[0].pretrain or group[0].probe for group in groups])
    lines = [build_line(group, name[0] + hint) for group, name, hint in zip(groups, names, apart, strict=True)]
    return Table(protocol, changes, dataset, tuple(sorted(layers, key=_place)), tuple(lines))


def _place(layer: str) -> list[str | int]:
    """Sorts layers by name, then by number: conv1, conv2, conv10, res2."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", layer)]
