"""Accuracies by layer: a table for each protocol and data set, with a line per experiment and a column per layer.

A cell is the mean test accuracy over trained trunks with its 95 % interval (Student's t). Probes repeated on one trunk
are averaged first and count once: repeating the probe says nothing about the spread between trainings. A single trunk
has no interval, and its line says n=1.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import warnings
from collections.abc import Callable, Iterable
from typing import NamedTuple

from vissl_monoimage.probe.protocols import is_known, title_of
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes
from vissl_monoimage.report.tables.experiment import Line, build_line
from vissl_monoimage.report.tables.join import ProbedTrunk
from vissl_monoimage.report.tables.labels import trunk_label
from vissl_monoimage.report.tables.marks import NOTES


@dataclasses.dataclass(frozen=True)
class Table:
    """Experiments probed on one data set, by one protocol with the same changes to it.

    Attributes:
        protocol: its name; `lowshot-v1, k=4` for few-shot probes; "" if the probes name none.
        changes: deviations from the protocol, with its own values in brackets.
        dataset: the labelled data set, with a part of its hash if the report has several of this name.
        dataset_name: its name alone.
        is_identified: whether the content of the data set is known.
        has_hashes_from_table: whether it is so of some rows because others beside them were repeated.
        layers: the layers that some line has, in order.
        lines: the experiments, random weights first.
    """

    protocol: str
    changes: tuple[str, ...]
    dataset: str
    dataset_name: str
    is_identified: bool
    has_hashes_from_table: bool
    layers: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """The heading: what was trained or fitted, on which data, by which protocol."""
        return f"{title_of(self.protocol)}, top-1 test accuracy (%): {self.context}"

    @property
    def context(self) -> str:
        """Data set and protocol, as in every heading."""
        return f"{self.dataset}, {self.protocol_name}{' with changes' if self.changes else ''}"

    @property
    def protocol_name(self) -> str:
        """The protocol as it is called in a heading."""
        return f"protocol {self.protocol}" if self.protocol else "no named protocol"

    @property
    def caveats(self) -> list[str]:
        """Sentences on what keeps the table from being compared with others of its data set."""
        sentences = []
        if not self.protocol:
            sentences.append("These probes name no protocol, so their settings are unknown here.")
        elif not is_known(self.protocol):
            sentences.append(
                f"Protocol {self.protocol} is not one of this version's, so its settings are unknown here."
            )
        if self.changes:
            changes = "; ".join(self.changes)
            sentences.append(f"Changed from protocol {self.protocol} (its own values in brackets): {changes}.")
        if not self.is_identified:
            sentences.append("The images were not hashed: the data set is known by its name alone.")
        if self.has_hashes_from_table:
            sentences.append(
                "Older rows have no hash of their images, and are taken to be of these by the name of the data set: "
                "probes of random weights on it, repeated on these images, began with the same losses but for "
                "rounding, and one or more ended with the same accuracies."
            )
        sentences += [note for mark, note in NOTES.items() if any(mark in line.marks for line in self.lines)]
        return [*sentences, *(sentence for line in self.lines for sentence in line.conflicts)]


def build_tables(probed: Iterable[ProbedTrunk], warn: Callable[[str], None] = warnings.warn) -> list[Table]:
    """Return the tables in the order in which their protocol, its changes and data set first appear.

    Data sets are told apart by their content. Those of unknown content are one by their name, apart from all others.

    Args:
        probed: the probes.
        warn: called with a sentence for each probe with layers that cannot be shown.
    """
    groups: dict[_Key, dict[tuple[str, str], list[ProbedTrunk]]] = {}
    for item in (part for trunk in probed for part in trunk.with_top_1(warn).parts):
        probe = item.probe
        key = _Key(probe.protocol or "", tuple(probe.protocol_changes), probe.dataset, tuple(probe.contents))
        groups.setdefault(key, {}).setdefault(item.experiment, []).append(item)
    contents: dict[str, set[tuple[str | None, ...]]] = {}
    for key in groups:
        contents.setdefault(key.dataset, set()).add(key.contents)
    return [
        _table(key, list(experiments.values()), len(contents[key.dataset]) > 1) for key, experiments in groups.items()
    ]


class _Key(NamedTuple):
    protocol: str
    changes: tuple[str, ...]
    dataset: str
    contents: tuple[str | None, ...]


def _table(key: _Key, groups: list[list[ProbedTrunk]], is_ambiguous: bool) -> Table:
    groups = sorted(groups, key=_place)
    layers = {layer for group in groups for item in group for layer in item.probe.accuracies}
    names = [(trunk_label(group[0]), group[0].probe.trunk) for group in groups]
    suffixes = disambiguating_suffixes(names, [group[0].pretrain or group[0].probe for group in groups])
    lines = [build_line(group, name[0] + suffix) for group, name, suffix in zip(groups, names, suffixes, strict=True)]
    return Table(
        key.protocol,
        key.changes,
        f"{key.dataset} [data {_short(key.contents)}]" if is_ambiguous else key.dataset,
        key.dataset,
        None not in key.contents,
        any(item.probe.has_hashes_from_table for group in groups for item in group),
        tuple(sorted(layers, key=_natural_order)),
        tuple(lines),
    )


def _place(group: list[ProbedTrunk]) -> tuple[bool, bool, str]:
    """Sort random weights before fixed features, and these before all others, by their label."""
    first = group[0]
    return not (first.is_untrained or first.is_random), first.is_fixed, trunk_label(first)


def _short(contents: tuple[str | None, ...]) -> str:
    """Return a few letters that tell the content of a data set from that of others."""
    if not any(contents):
        return "not hashed"
    return hashlib.sha256(str(contents).encode()).hexdigest()[:6]


def _natural_order(layer: str) -> list[str | int]:
    """Sort layers by name, then by number: conv1, conv2, conv10, res2."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d+)", layer))]
