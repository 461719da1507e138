"""A line of a table: all probes of one experiment."""

from __future__ import annotations

import dataclasses
import statistics

from vissl_monoimage.ledger.initial_weights_table import initial_weights_hash
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.cost import Cost, cost_of
from vissl_monoimage.report.tables.intervals import Cell, interval
from vissl_monoimage.report.tables.join import ProbedTrunk
from vissl_monoimage.report.tables.marks import marks_of, seed_conflicts


@dataclasses.dataclass(frozen=True)
class Line:
    """The accuracies of one experiment over its seeds.

    Attributes:
        label: what the trunks were pretrained with, `rotnet on china (1 image)`.
        trunk: their architecture.
        seeds: the seeds of the trunks; those of crops follow a slash where they are not 0.
        cells: {layer: top-1 test accuracy}.
        probed: all its probes, with their pretrainings.
        pretext: accuracy on the pretraining's own task, None where it has none.
        pretrainings: the rows of all pretrainings, once each.
        pretrain: the row of one of the pretrainings; None for random weights, fixed features and unknown checkpoints.
        is_random: whether the weights are random.
        is_fixed: whether the features are fixed, so that there is no spread over seeds.
        by_weights: {layer: {trunk: accuracy}}. Trunks of several lines that start from the same initial weights have
            the same name, their hash; of trunks with one name, which differ in the seed of their crops alone, the mean.
        marks: of `report.tables.marks`, for what its rows leave open.
        conflicts: sentences on seeds whose trunks have different weights.
    """

    label: str
    trunk: str
    seeds: tuple[str, ...]
    cells: dict[str, Cell]
    probed: tuple[ProbedTrunk, ...]
    pretext: Cell | None
    pretrainings: tuple[Row, ...]
    pretrain: Row | None
    is_random: bool
    is_fixed: bool
    by_weights: dict[str, dict[str, float]]
    marks: str
    conflicts: tuple[str, ...]

    @property
    def cost(self) -> Cost | None:
        """What a pretraining cost; None where there is none."""
        return cost_of(self.pretrainings)

    @property
    def runs(self) -> str:
        """Number and seeds of the trunks, for example `n=3 (seeds 0 1 2)`."""
        if self.is_fixed:
            return "n=1 (no seed), no interval"
        if not self.seeds:
            return "n=1 (seed unknown), no interval"
        listed = " ".join(self.seeds)
        several = len(self.seeds) > 1
        return f"n={len(self.seeds)} (seeds {listed})" if several else f"n=1 (seed {listed}), no interval"


def build_line(group: list[ProbedTrunk], label: str) -> Line:
    """Return the line of all probes of one experiment; probes of one trunk are averaged first."""
    by_trunk: dict[str, list[ProbedTrunk]] = {}
    for item in group:
        by_trunk.setdefault(trunk_seed(item), []).append(item)
    layers = dict.fromkeys(layer for item in group for layer in item.probe.accuracies)
    values = {layer: _mean_by_trunk(by_trunk, layer) for layer in layers}
    pretext = _pretext_by_trunk(by_trunk)
    conflicts = seed_conflicts(by_trunk, label)
    names = {seed: _initial_weights(items) or f"{label}, seed {seed}" for seed, items in by_trunk.items()}
    first = group[0]
    return Line(
        label,
        first.probe.trunk,
        seeds=tuple(sorted((seed for seed in by_trunk if seed), key=lambda seed: (len(seed), seed))),
        cells={layer: interval(list(accuracies.values())) for layer, accuracies in values.items()},
        probed=tuple(group),
        pretext=interval(pretext) if pretext else None,
        pretrainings=tuple({item.pretrain.run_id: item.pretrain for item in group if item.pretrain}.values()),
        pretrain=first.pretrain,
        is_random=first.is_random,
        is_fixed=first.is_fixed,
        by_weights={layer: _mean_by(names, accuracies) for layer, accuracies in values.items()},
        marks=marks_of(group, conflicts),
        conflicts=tuple(conflicts),
    )


def trunk_seed(trunk: ProbedTrunk) -> str:
    """Return the training seed of a trunk, with that of its crops after a slash where it is not 0.

    Empty for checkpoints of unknown origin and for fixed features, which are one trunk however often they are probed.
    """
    if trunk.is_fixed:
        return ""
    if trunk.pretrain is None:
        return "" if trunk.probe.weights.path else str(trunk.probe.seed)
    crops = trunk.pretrain.recipe.get("seed", 0)
    return f"{trunk.pretrain.seed}/{crops}" if crops else str(trunk.pretrain.seed)


def _pretext_by_trunk(by_trunk: dict[str, list[ProbedTrunk]]) -> list[float]:
    """Return the pretext accuracy of each trunk that has one; nothing if they were not tested on the same data."""
    by_seed = []
    for items in by_trunk.values():
        runs = {item.pretrain.run_id: item.pretrain for item in items if item.pretrain}
        by_seed.append([row for row in runs.values() if "top_1" in row.pretext])
    tested_on = {row.data["test"].content if "test" in row.data else None for rows in by_seed for row in rows}
    if len(tested_on) > 1:
        return []
    return [statistics.fmean(row.pretext["top_1"] for row in rows) for rows in by_seed if rows]


def _initial_weights(items: list[ProbedTrunk]) -> str | None:
    """Return the hash of the weights that a trunk started from; None where its rows have none or several."""
    hashes = {initial_weights_hash(item.pretrain or item.probe) for item in items}
    return hashes.pop() if len(hashes) == 1 else None


def _mean_by(names: dict[str, str], by_trunk: dict[str, float]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for seed, value in by_trunk.items():
        values.setdefault(names[seed], []).append(value)
    return {name: statistics.fmean(several) for name, several in values.items()}


def _mean_by_trunk(by_trunk: dict[str, list[ProbedTrunk]], layer: str) -> dict[str, float]:
    """Return the mean accuracy of each trunk's probes at a layer, for the trunks that were probed there."""
    accuracies = {
        seed: [item.probe.accuracies[layer]["top_1"] for item in items if layer in item.probe.accuracies]
        for seed, items in by_trunk.items()
    }
    return {seed: statistics.fmean(several) for seed, several in accuracies.items() if several}
