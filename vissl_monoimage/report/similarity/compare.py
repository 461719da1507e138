"""Similarity of each layer to the same layer of a network that was pretrained on more images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.report.similarity.cka import Matrix, alignment, unit_gram
from vissl_monoimage.report.similarity.pairing import (
    NetworkGroup,
    checkpoint_pairs,
    group_networks,
    reference_networks,
)
from vissl_monoimage.report.tables.intervals import Cell, interval
from vissl_monoimage.report.tables.join import ProbedTrunk

if TYPE_CHECKING:
    from vissl_monoimage.report.similarity.features import LayerReader

Grams = dict[str, dict[str, Matrix]]
"""{checkpoint: {layer: its `unit_gram`}}."""


@dataclasses.dataclass(frozen=True)
class SimilarityLine:
    """The similarity of one group of networks to the reference.

    Attributes:
        name: what they were pretrained with.
        cells: {layer: mean CKA over the pairs}; NaN for a layer that gives the same for all images.
        pairs: number and seeds of the pairs, for example `n=2 (seeds 0 1)`.
        is_random: whether their weights are random: the lower end of the scale.
        is_reference: whether they are the reference's other seeds: the upper end of the scale.
    """

    name: str
    cells: dict[str, Cell]
    pairs: str
    is_random: bool
    is_reference: bool


@dataclasses.dataclass(frozen=True)
class Similarity:
    """The networks of one architecture beside a reference.

    Attributes:
        reference: what the reference was pretrained with.
        trunk: the architecture.
        layers: the compared layers, in order.
        images: number of images whose features are compared.
        lines: the compared networks.
    """

    reference: str
    trunk: str
    layers: tuple[str, ...]
    images: int
    lines: tuple[SimilarityLine, ...]


def compare_layers(probed: Sequence[ProbedTrunk], missing: list[str]) -> list[Similarity]:
    """Return a comparison for each reference whose checkpoints exist, if there is something to compare with it.

    Takes seconds per network, and no time where there is no pair.

    Args:
        probed: the probes of the report.
        missing: receives a sentence for each network that cannot be compared.
    """
    groups = group_networks(probed)
    comparisons = []
    for trunk in dict.fromkeys(group.trunk for group in reference_networks(groups)):
        same = [group for group in groups if group.trunk == trunk]
        gone = [group.name for group in same if not group.files]
        if gone and len(same) > 1:
            missing.append(f"Not compared layer by layer: {trunk} of {'; '.join(gone)}, whose checkpoints are missing.")
        if any(checkpoint_pairs(one, full) for full in reference_networks(same) for one in same if one is not full):
            comparisons += _comparisons(trunk, same, missing)
    return comparisons


def _comparisons(trunk: str, groups: Sequence[NetworkGroup], missing: list[str]) -> list[Similarity]:
    from vissl_monoimage.report.similarity.features import (
        LayerReader,  # imports torch: seconds that others need not wait
    )

    try:
        reader = LayerReader(trunk)
    except MonoImageError as error:
        missing.append(f"Not compared layer by layer: {error}.")
        return []
    grams: Grams = {}
    readable = [dataclasses.replace(group, files=_read(group, reader, grams, missing)) for group in groups]
    comparisons = []
    for full in reference_networks(readable):
        lines = tuple(_line(group, full, grams) for group in readable if checkpoint_pairs(group, full))
        if not all(line.is_reference for line in lines):
            comparisons.append(Similarity(full.name, trunk, tuple(reader.layers), len(reader.images), lines))
    return comparisons


def _read(group: NetworkGroup, reader: LayerReader, grams: Grams, missing: list[str]) -> dict[int, str]:
    """Add the group's checkpoints to `grams`; return those that could be read."""
    readable = {}
    for seed, file in group.files.items():
        try:
            grams[file] = {layer: unit_gram(values) for layer, values in reader.features(file).items()}
            readable[seed] = file
        except MonoImageError as error:
            missing.append(f"Not compared layer by layer: {error}.")
    return readable


def _line(group: NetworkGroup, full: NetworkGroup, grams: Grams) -> SimilarityLine:
    itself, pairs = group is full, checkpoint_pairs(group, full)
    values = {layer: [alignment(grams[a][layer], grams[b][layer]) for a, b in pairs] for layer in grams[pairs[0][0]]}
    # Pairs of the reference with itself share networks, so that their spread gives no interval.
    cells = {layer: _mean(several) if itself else _interval(several) for layer, several in values.items()}
    shared = [] if itself else [str(seed) for seed in group.files if seed in full.files]
    seeds = f"seed{'s' * (len(shared) != 1)} {' '.join(shared)}" if shared else "different seeds"
    name = f"{group.name}, another seed" if itself else group.name
    return SimilarityLine(name, cells, f"n={len(pairs)} ({seeds})", group.pretrain is None, itself)


def _mean(values: Sequence[float]) -> Cell:
    return Cell(fmean(values), None, len(values))


def _interval(values: Sequence[float]) -> Cell:
    return _mean(values) if any(map(math.isnan, values)) else interval(values)
