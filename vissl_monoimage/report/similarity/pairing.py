"""Networks to compare: those of a report whose checkpoints still exist, their references, and pairs of checkpoints."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Sequence
from itertools import combinations

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes
from vissl_monoimage.report.tables.join import ProbedTrunk
from vissl_monoimage.report.tables.labels import trunk_label

Pair = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class NetworkGroup:
    """Trunks of one experiment, which differ in nothing but their seeds.

    Attributes:
        name: what they were pretrained with.
        trunk: their architecture.
        pretrain: the row of one of their pretrainings; None for random weights.
        files: {training seed: checkpoint}, only of checkpoints that exist.
    """

    name: str
    trunk: str
    pretrain: Row | None
    files: dict[int, str]


def group_networks(probed: Iterable[ProbedTrunk]) -> list[NetworkGroup]:
    """Return the probed networks by experiment, random weights first.

    Fixed features and checkpoints of unknown origin are left out.
    """
    groups: dict[tuple[str, str], list[ProbedTrunk]] = {}
    for item in probed:
        if not item.is_fixed and (item.pretrain or item.is_untrained):
            origin = item.pretrain.experiment if item.pretrain else "random"
            groups.setdefault((item.probe.trunk, origin), []).append(item)
    ordered = sorted(groups.values(), key=lambda group: (not group[0].is_untrained, trunk_label(group[0])))
    names = [(trunk_label(group[0]), group[0].probe.trunk) for group in ordered]
    suffixes = disambiguating_suffixes(names, [group[0].pretrain or group[0].probe for group in ordered])
    return [
        NetworkGroup(name + suffix, trunk, group[0].pretrain, _checkpoints(group))
        for group, (name, trunk), suffix in zip(ordered, names, suffixes, strict=True)
    ]


def reference_networks(groups: Sequence[NetworkGroup]) -> list[NetworkGroup]:
    """Return, per trunk and method, the networks pretrained on the most images, if that is more than one image.

    A data set of unknown size counts as more than any number of images.
    """
    most: dict[tuple[str, str], float] = {}
    for group in groups:
        if group.pretrain:
            key = group.trunk, group.pretrain.method
            most[key] = max(most.get(key, 1), _image_count(group.pretrain))
    return [
        group
        for group in groups
        if group.pretrain and 1 < _image_count(group.pretrain) == most[group.trunk, group.pretrain.method]
    ]


def _image_count(pretrain: Row) -> float:
    return math.inf if pretrain.n_images is None else pretrain.n_images


def checkpoint_pairs(group: NetworkGroup, reference: NetworkGroup) -> list[Pair]:
    """Return the checkpoints to compare: pairs of one training seed, or the first of each if no seed is shared.

    For the reference with itself, they are all pairs of different seeds.
    """
    if group is reference:
        return list(combinations(group.files.values(), 2))
    shared = [(file, reference.files[seed]) for seed, file in group.files.items() if seed in reference.files]
    return shared or list(zip(group.files.values(), reference.files.values(), strict=False))[:1]


def _checkpoints(group: Sequence[ProbedTrunk]) -> dict[int, str]:
    """Return, per training seed, the existing checkpoint with the lowest seed of its crops."""
    files: dict[int, str] = {}
    for item in sorted(group, key=lambda item: (item.pretrain or item.probe).recipe.get("seed", 0)):
        file = item.trunk_checkpoint
        if file and os.path.isfile(file):
            files.setdefault((item.pretrain or item.probe).seed, file)
    return dict(sorted(files.items()))
