"""One line of a table: all probes of one experiment, a cell for each layer."""

from __future__ import annotations

import dataclasses
import re
import statistics
from pathlib import Path

from vissl_monoimage.config.references import ZOO
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.probe.protocols import PROTOCOLS
from vissl_monoimage.report.tables.intervals import Cell, interval


@dataclasses.dataclass(frozen=True)
class Probed:
    """A probe and the pretraining whose checkpoint it read: None for random weights or a foreign file."""

    probe: Row
    pretrain: Row | None

    @property
    def experiment(self) -> tuple[str, str]:
        """The same for all probes of one line of a table: those that differ in nothing but seeds."""
        origin = self.pretrain.experiment if self.pretrain else self.probe.checkpoint_in_sha256 or "random"
        return origin, self.probe.group_hash

    @property
    def parts(self) -> list[Probed]:
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
    def trunk_file(self) -> str | None:
        """A checkpoint with the trunk as it was asked: the one that was read, or the probe's own of random weights.

        None for a network that was trained on labels from random weights: no file has its trunk as it was before.
        """
        named = PROTOCOLS.get(self.probe.protocol or "")
        own = self.probe.checkpoint_out if named is None or named.frozen else None
        return self.probe.checkpoint_in or own

    @property
    def untaught(self) -> bool:
        """Neither a pretraining nor a file is behind the trunk."""
        return self.pretrain is None and self.probe.checkpoint_in is None

    @property
    def zoo(self) -> str:
        """The model of VISSL's zoo that was probed, by its name; "" for other files."""
        found = re.search(rf"\.PARAMS_FILE={ZOO}(\S+)", self.probe.command)
        return found[1] if found else ""

    @property
    def fixed(self) -> bool:
        """The trunk has nothing to learn; its `method` names its features."""
        return self.untaught and self.probe.method != "random"


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
    fixed: bool
    by_seed: dict[str, dict[str, float]]

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


def label(item: Probed) -> str:
    """What taught the trunk: `random weights`, `rotnet on china (1 image)`, an unknown checkpoint's name.

    `scattering (nothing learned)` for features that are fixed, `rotnet-imagenet-1k (VISSL's zoo)`.
    """
    if item.fixed:
        return f"{item.probe.method} (nothing learned)"
    if item.zoo:
        return f"{item.zoo} (VISSL's zoo)"
    if item.pretrain is None:
        file = item.probe.checkpoint_in
        return f"checkpoint {Path(file).parent.name}/{Path(file).name}" if file else "random weights"
    return taught_by(item.pretrain)


def taught_by(pretrain: Row) -> str:
    """Method and images of a pretraining: `rotnet on china (1 image)`, `rotnet on cifar10`."""
    images = pretrain.images
    if not images:
        return f"{pretrain.method} on {pretrain.dataset}"
    what = f"{images[0]['name']} (1 image)" if len(images) == 1 else f"{len(images)} images"
    return f"{pretrain.method} on {what}"


def line_of(group: list[Probed], name: str) -> Line:
    """The line called `name` of all probes of one experiment."""
    trunks: dict[str, list[Probed]] = {}
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
        group[0].untaught and not group[0].fixed,
        group[0].fixed,
        {layer: _by_training_seed(of_trunks) for layer, of_trunks in values.items()},
    )


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


def _by_training_seed(of_trunks: dict[str, float]) -> dict[str, float]:
    """Trunks that differ in the seed of their crops alone, averaged; those of unknown seed left out."""
    found: dict[str, list[float]] = {}
    for seed, value in of_trunks.items():
        found.setdefault(seed.partition("/")[0], []).append(value)
    return {seed: statistics.fmean(values) for seed, values in found.items() if seed}


def _mean_of(items: list[Probed], layer: str) -> float:
    for probe in (item.probe for item in items):
        if "top_1" not in probe.accuracies[layer]:
            measured = ", ".join(probe.accuracies[layer])
            raise MonoImageError(f"'{probe.command}' measured {measured} at {layer}: a report needs top_1")
    return statistics.fmean(item.probe.accuracies[layer]["top_1"] for item in items)
