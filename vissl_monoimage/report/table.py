"""Per-layer tables from ledger rows: one for each protocol and data set, a line a method, a column a layer.

A cell is the mean test accuracy over trained trunks and its 95 % interval (Student's t). Probes repeated on
one trunk are averaged first and count once: repeating the probe says nothing about the spread between
trainings. One trunk alone has no interval, and its line says n=1.
"""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from scipy.special import stdtrit

from vissl_monoimage.report.hints import hints
from vissl_monoimage.report.ledger import FILE_NAME, Row, read


@dataclasses.dataclass(frozen=True)
class Cell:
    """Mean accuracy in percent over `n` trunks; `half` is half the 95 % interval, None for n = 1."""

    mean: float
    half: float | None
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.1f}" if self.half is None else f"{self.mean:.1f} ± {self.half:.1f}"


@dataclasses.dataclass(frozen=True)
class Line:
    """One method: its label, trunk, seeds, a cell for each probed layer, its pretext accuracy.

    `fixed`: its features are not learned, so that there is no spread over seeds.
    """

    label: str
    trunk: str
    seeds: tuple[str, ...]
    cells: dict[str, Cell]
    pretext: Cell | None
    fixed: bool = False

    @property
    def runs(self) -> str:
        """Count and seeds, e.g. `n=3 (seeds 0 1 2)`."""
        if self.fixed:
            return "n=1 (no seed), no interval"
        if not self.seeds:
            return "n=1 (seed unknown), no interval"
        listed = " ".join(self.seeds)
        several = len(self.seeds) > 1
        return f"n={len(self.seeds)} (seeds {listed})" if several else f"n=1 (seed {listed}), no interval"


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
        changed = " with changes" if self.changes else ""
        return f"Linear probes, top-1 test accuracy (%): {self.dataset}, protocol {self.protocol}{changed}"

    @property
    def departures(self) -> str:
        """Where the runs left the protocol, with its own values in brackets; empty where they kept to it."""
        return f"Not {self.protocol} as it stands: {'; '.join(self.changes)}" if self.changes else ""


@dataclasses.dataclass(frozen=True)
class Probed:
    """A probe and the pretraining whose checkpoint it read: None for random weights or a foreign file."""

    probe: Row
    pretrain: Row | None

    @property
    def untaught(self) -> bool:
        """Neither a pretraining nor a file is behind the trunk."""
        return self.pretrain is None and self.probe.checkpoint_in is None

    @property
    def fixed(self) -> bool:
        """The trunk has nothing to learn; its `method` names its features."""
        return self.untaught and self.probe.method != "random"


def interval(values: Sequence[float]) -> Cell:
    """Mean and half the 95 % t-interval of independent values: t(0.975, n - 1) * s / sqrt(n)."""
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Cell(mean, None, 1)
    half = float(stdtrit(n - 1, 0.975)) * statistics.stdev(values) / math.sqrt(n)
    return Cell(mean, half, n)


def link(rows: Iterable[Row]) -> list[Probed]:
    """Each probe with its pretraining, known by the checkpoint's bytes; the ledger beside it is read too."""
    rows = list(rows)
    made = _by_checkpoint(rows)
    found = []
    for probe in (row for row in rows if row.kind == "probe"):
        beside = Path(probe.checkpoint_in or "").parent / FILE_NAME
        if probe.checkpoint_in_sha256 and probe.checkpoint_in_sha256 not in made and beside.is_file():
            made |= _by_checkpoint(read([beside]))
        found.append(Probed(probe, made.get(probe.checkpoint_in_sha256 or "")))
    return found


def build(probed: Iterable[Probed]) -> list[Table]:
    """Tables in the order their protocol, its changes and data set first appear."""
    groups: dict[tuple[str, tuple[str, ...], str], dict[tuple[str, str], list[Probed]]] = {}
    for item in probed:
        key = (item.probe.protocol or "vissl", tuple(item.probe.protocol_changes), item.probe.dataset)
        lines = groups.setdefault(key, {})
        origin = item.pretrain.group_hash if item.pretrain else item.probe.checkpoint_in_sha256 or "random"
        lines.setdefault((origin, item.probe.group_hash), []).append(item)
    return [_table(*key, list(lines.values())) for key, lines in groups.items()]


def label(item: Probed) -> str:
    """What taught the trunk: `random weights`, `rotnet on china (1 image)`, an unknown checkpoint's name.

    `scattering (nothing learned)` for features that are fixed.
    """
    if item.fixed:
        return f"{item.probe.method} (nothing learned)"
    if item.pretrain is None:
        file = item.probe.checkpoint_in
        return f"checkpoint {Path(file).parent.name}/{Path(file).name}" if file else "random weights"
    images = item.pretrain.images
    if not images:
        return f"{item.pretrain.method} on {item.pretrain.dataset}"
    what = f"{images[0]['name']} (1 image)" if len(images) == 1 else f"{len(images)} images"
    return f"{item.pretrain.method} on {what}"


def _by_checkpoint(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.checkpoint_out_sha256: row for row in rows if row.kind == "pretrain" and row.checkpoint_out_sha256}


def _table(protocol: str, changes: tuple[str, ...], dataset: str, groups: list[list[Probed]]) -> Table:
    groups = sorted(groups, key=lambda group: (not group[0].untaught, group[0].fixed, label(group[0])))
    layers = {layer for group in groups for layer in group[0].probe.accuracies}
    names = [(label(group[0]), group[0].probe.trunk) for group in groups]
    apart = hints(names, [group[0].pretrain or group[0].probe for group in groups])
    lines = [_line(group, name[0] + hint) for group, name, hint in zip(groups, names, apart, strict=True)]
    return Table(protocol, changes, dataset, tuple(sorted(layers, key=_place)), tuple(lines))


def _place(layer: str) -> list[str | int]:
    """Sorts layers by name, then by number: conv1, conv2, conv10, res2."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", layer)]


def _line(group: list[Probed], name: str) -> Line:
    trunks: dict[str, list[Probed]] = {}
    for item in group:
        trunks.setdefault(_trunk_seed(item), []).append(item)
    cells = {
        layer: interval([_mean_of(items, layer) for items in trunks.values()]) for layer in group[0].probe.accuracies
    }
    sources = (items[0].pretrain for items in trunks.values())
    pretext = [source.pretext["top_1"] for source in sources if source and "top_1" in source.pretext]
    shown = interval(pretext) if pretext else None
    seeds = tuple(sorted((seed for seed in trunks if seed), key=lambda seed: (len(seed), seed)))
    return Line(name, group[0].probe.trunk, seeds, cells, shown, group[0].fixed)


def _trunk_seed(item: Probed) -> str:
    """The seed that made the trunk, with that of its crops after a slash where it is not 0.

    Empty for a checkpoint of unknown origin and for fixed features, which are one trunk however often probed.
    """
    if item.fixed:
        return ""
    if item.pretrain is None:
        return "" if item.probe.checkpoint_in else str(item.probe.seed)
    crops = item.pretrain.recipe.get("seed", 0)
    return f"{item.pretrain.seed}/{crops}" if crops else str(item.pretrain.seed)


def _mean_of(items: list[Probed], layer: str) -> float:
    return statistics.fmean(item.probe.accuracies[layer]["top_1"] for item in items)
