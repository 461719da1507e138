"""How much each layer has in common with the same layer of a network that learned from a full data set."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.report.similarity.cka import Matrix, alignment, unit_gram
from vissl_monoimage.report.similarity.pairing import NetworkGroup, checkpoint_pairs, group_networks, reference_networks
from vissl_monoimage.report.tables.intervals import Cell, interval
from vissl_monoimage.report.tables.join import ProbedTrunk

if TYPE_CHECKING:
    from vissl_monoimage.report.similarity.features import LayerReader

Grams = dict[str, dict[str, Matrix]]  # of a checkpoint, of each of its layers


@dataclasses.dataclass(frozen=True)
class SimilarityLine:
    """Networks beside a reference.

    Attributes:
        name: what taught them.
        cells: {layer: mean CKA over the pairs}, NaN of a layer that gives the same for all images.
        pairs: how many there are, and of which seeds.
        is_random, is_reference: random weights; the reference's own other seeds. The two ends of the scale.
    """

    name: str
    cells: dict[str, Cell]
    pairs: str
    is_random: bool
    is_reference: bool


@dataclasses.dataclass(frozen=True)
class Similarity:
    """All networks of a trunk beside one of them, `reference`; on `images` images."""

    reference: str
    trunk: str
    layers: tuple[str, ...]
    images: int
    lines: tuple[SimilarityLine, ...]


def compare_layers(probed: Sequence[ProbedTrunk], missing: list[str]) -> list[Similarity]:
    """One for each reference whose weights are there, and something to compare; what is gone goes to `missing`.

    Takes seconds a network, and no time where there is no pair.
    """
    found = group_networks(probed)
    comparisons = []
    for trunk in dict.fromkeys(one.trunk for one in reference_networks(found)):
        same = [one for one in found if one.trunk == trunk]
        gone = [one.name for one in same if not one.files]
        if gone and len(same) > 1:
            missing.append(
                f"Not compared layer by layer: {trunk} of {'; '.join(gone)}, of which there is no checkpoint."
            )
        if any(checkpoint_pairs(one, full) for full in reference_networks(same) for one in same if one is not full):
            comparisons += _comparisons(trunk, same, missing)
    return comparisons


def _comparisons(trunk: str, same: Sequence[NetworkGroup], missing: list[str]) -> list[Similarity]:
    from vissl_monoimage.report.similarity.features import (
        LayerReader,  # with VISSL, for which other reports need not wait
    )

    try:
        reader = LayerReader(trunk)
    except MonoImageError as error:
        missing.append(f"Not compared layer by layer: {error}.")
        return []
    grams: Grams = {}
    read = [dataclasses.replace(one, files=_read(one, reader, grams, missing)) for one in same]
    comparisons = []
    for full in reference_networks(read):
        lines = tuple(_line(one, full, grams) for one in read if checkpoint_pairs(one, full))
        if not all(line.is_reference for line in lines):
            comparisons.append(Similarity(full.name, trunk, tuple(reader.layers), len(reader.images), lines))
    return comparisons


def _read(one: NetworkGroup, reader: LayerReader, grams: Grams, missing: list[str]) -> dict[int, str]:
    """Add its checkpoints to `grams`; returns those that could be read."""
    read = {}
    for seed, file in one.files.items():
        try:
            grams[file] = {layer: unit_gram(values) for layer, values in reader.features(file).items()}
            read[seed] = file
        except MonoImageError as error:
            missing.append(f"Not compared layer by layer: {error}.")
    return read


def _line(one: NetworkGroup, full: NetworkGroup, grams: Grams) -> SimilarityLine:
    itself, compared = one is full, checkpoint_pairs(one, full)
    values = {
        layer: [alignment(grams[a][layer], grams[b][layer]) for a, b in compared] for layer in grams[compared[0][0]]
    }
    # The pairs of `itself` share networks, so that their spread gives no interval.
    cells = {layer: _mean(several) if itself else _interval(several) for layer, several in values.items()}
    shared = [] if itself else [str(seed) for seed in one.files if seed in full.files]
    seeds = f"seed{'s' * (len(shared) != 1)} {' '.join(shared)}" if shared else "different seeds"
    name = f"{one.name}, another seed" if itself else one.name
    return SimilarityLine(name, cells, f"n={len(compared)} ({seeds})", one.pretrain is None, itself)


def _mean(values: Sequence[float]) -> Cell:
    return Cell(fmean(values), None, len(values))


def _interval(values: Sequence[float]) -> Cell:
    return _mean(values) if any(map(math.isnan, values)) else interval(values)
