"""One line of a table: all probes of one experiment, a cell for each layer."""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.report.tables.intervals import Cell, interval
from vissl_monoimage.report.tables.join import ProbedTrunk


@dataclasses.dataclass(frozen=True)
class Line:
    """One method: its label, trunk, seeds, a cell for each probed layer, its pretext accuracy.

    pretrain: one of its pretrainings, None for random weights, fixed features and unknown checkpoints.
    is_random: random weights. fixed: its features are not learned, so that there is no spread over seeds.
    by_seed: {layer: {training seed: mean accuracy of the trunks it made}}.
    """

    label: str
    trunk: str
    seeds: tuple[str, ...]
    cells: dict[str, Cell]
    pretext: Cell | None
    pretrain: Row | None
    is_random: bool
    is_fixed: bool
    by_seed: dict[str, dict[str, float]]

    @property
    def runs(self) -> str:
        """Count and seeds, e.g. `n=3 (seeds 0 1 2)`."""
        if self.is_fixed:
            return "n=1 (no seed), no interval"
        if not self.seeds:
            return "n=1 (seed unknown), no interval"
        listed = " ".join(self.seeds)
        several = len(self.seeds) > 1
        return f"n={len(self.seeds)} (seeds {listed})" if several else f"n=1 (seed {listed}), no interval"


def trunk_label(item: ProbedTrunk) -> str:
    """What taught the trunk: `random weights`, `rotnet on china (1 image)`, an unknown checkpoint's name.

    `scattering (nothing learned)` for features that are fixed, `rotnet-imagenet-1k (VISSL's zoo)`.
    """
    if item.is_fixed:
        return f"{item.probe.method} (nothing learned)"
    if item.zoo:
        return f"{item.zoo} (VISSL's zoo)"
    if item.pretrain is None:
        file = item.probe.checkpoint_in
        return f"checkpoint {Path(file).parent.name}/{Path(file).name}" if file else "random weights"
    return pretrain_label(item.pretrain)


def pretrain_label(pretrain: Row) -> str:
    """Method and images of a pretraining: `rotnet on china (1 image)`, `rotnet on cifar10`."""
    images = pretrain.images
    if not images:
        return f"{pretrain.method} on {pretrain.dataset}"
    what = f"{images[0]['name']} (1 image)" if len(images) == 1 else f"{len(images)} images"
    return f"{pretrain.method} on {what}"


def build_line(group: list[ProbedTrunk], name: str) -> Line:
    """The line called `name` of all probes of one experiment."""
    trunks: dict[str, list[ProbedTrunk]] = {}
    for item in group:
        trunks.setdefault(_trunk_seed(item), []).append(item)
    values = {
        layer: {seed: _mean_of(items, layer) for seed, items in trunks.items()} for layer in group[0].probe.accuracies
    }
    sources = (items[0].pretrain for items in trunks.values())
    pretext = [source.pretext["top_1"] for source in sources if source and "top_1" in source.pretext]
    shown = interval(pretext) if pretext else None
    seeds = tuple(sorted((seed for seed in trunks if seed), key=lambda seed: (len(seed), seed)))
    return Line(
        name,
        group[0].probe.trunk,
        seeds,
        {layer: interval(list(of_trunks.values())) for layer, of_trunks in values.items()},
        shown,
        group[0].pretrain,
        group[0].is_untrained and not group[0].is_fixed,
        group[0].is_fixed,
        {layer: _by_training_seed(of_trunks) for layer, of_trunks in values.items()},
    )


def _trunk_seed(item: ProbedTrunk) -> str:
    """The seed that made the trunk, with that of its crops after a slash where it is not 0.

    Empty for a checkpoint of unknown origin and for fixed features, which are one trunk however often probed.
    """
    if item.is_fixed:
        return ""
    if item.pretrain is None:
        return "" if item.probe.checkpoint_in else str(item.probe.seed)
    crops = item.pretrain.recipe.get("seed", 0)
    return f"{item.pretrain.seed}/{crops}" if crops else str(item.pretrain.seed)


def _by_training_seed(of_trunks: dict[str, float]) -> dict[str, float]:
    """Trunks that differ in the seed of their crops alone, averaged; those of unknown seed left out."""
    found: dict[str, list[float]] = {}
    for seed, value in of_trunks.items():
        found.setdefault(seed.partition("/")[0], []).append(value)
    return {seed: statistics.fmean(values) for seed, values in found.items() if seed}


def _mean_of(items: list[ProbedTrunk], layer: str) -> float:
    for probe in (item.probe for item in items):
        if "top_1" not in probe.accuracies[layer]:
            measured = ", ".join(probe.accuracies[layer])
            raise MonoImageError(f"'{probe.command}' measured {measured} at {layer}: a report needs top_1")
    return statistics.fmean(item.probe.accuracies[layer]["top_1"] for item in items)
