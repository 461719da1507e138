"""The networks behind a report whose training is known and whose weights may still be there, and their references."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from vissl_monoimage.ledger.io import Row
from vissl_monoimage.report.plots.data_efficiency import image_count
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes
from vissl_monoimage.report.tables.experiment import trunk_label
from vissl_monoimage.report.tables.join import ProbedTrunk

Pair = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class NetworkGroup:
    """Trunks that differ in nothing but their seeds.

    Attributes:
        name: what taught them. trunk: their architecture.
        pretrain: one of their pretrainings, None for random weights.
        files: {training seed: checkpoint}, of those that are there.
    """

    name: str
    trunk: str
    pretrain: Row | None
    files: dict[int, str]


def group_networks(probed: Iterable[ProbedTrunk]) -> list[NetworkGroup]:
    """All that were probed, random weights first; not fixed features, nor checkpoints of unknown origin."""
    groups: dict[tuple[str, str], list[ProbedTrunk]] = {}
    for item in probed:
        if not item.is_fixed and (item.pretrain or item.is_untrained):
            origin = item.pretrain.experiment if item.pretrain else "random"
            groups.setdefault((item.probe.trunk, origin), []).append(item)
    ordered = sorted(groups.values(), key=lambda group: (not group[0].is_untrained, trunk_label(group[0])))
    names = [(trunk_label(group[0]), group[0].probe.trunk) for group in ordered]
    apart = disambiguating_suffixes(names, [group[0].pretrain or group[0].probe for group in ordered])
    return [
        NetworkGroup(name + hint, trunk, group[0].pretrain, _files(group))
        for group, (name, trunk), hint in zip(ordered, names, apart, strict=True)
    ]


def reference_networks(found: Sequence[NetworkGroup]) -> list[NetworkGroup]:
    """Of each trunk and method, those that learned from the most images, where that is more than one.

    A data set of unknown size counts as more than any number of photos, a smoke run as none.
    """
    most: dict[tuple[str, str], float] = {}
    for one in found:
        if one.pretrain:
            key = one.trunk, one.pretrain.method
            most[key] = max(most.get(key, 1), image_count(one.pretrain))
    return [
        one for one in found if one.pretrain and 1 < image_count(one.pretrain) == most[one.trunk, one.pretrain.method]
    ]


def checkpoint_pairs(one: NetworkGroup, reference: NetworkGroup) -> list[Pair]:
    """Checkpoints to compare: those of one training seed; where no seed is shared, the first of each.

    Of the reference with itself, all pairs of different seeds.
    """
    if one is reference:
        return list(combinations(one.files.values(), 2))
    shared = [(file, reference.files[seed]) for seed, file in one.files.items() if seed in reference.files]
    return shared or list(zip(one.files.values(), reference.files.values(), strict=False))[:1]


def _files(group: Sequence[ProbedTrunk]) -> dict[int, str]:
    """Of each training seed, the first checkpoint that is there, by the seed of its crops."""
    found: dict[int, str] = {}
    for item in sorted(group, key=lambda item: (item.pretrain or item.probe).recipe.get("seed", 0)):
        file = item.trunk_checkpoint
        if file and Path(file).is_file():
            found.setdefault((item.pretrain or item.probe).seed, file)
    return dict(sorted(found.items()))
