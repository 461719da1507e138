"""Lines of a table against each other: what was learned beyond random weights, and how much of that one image gives.

Lines are compared within a trunk, and seed by seed where they share training seeds. With three seeds a bootstrap
of a difference is no wider than the range of the three, far too narrow; so differences have the t-interval of the
pairs. A share has no such interval, so it has the bootstrap's, and its note says what that is worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.intervals import Cell, Share, bootstrap_share, interval
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable

DIFFERENCES_NOTE = (
    "Points above random weights of the same architecture, paired by training seed: the mean of the pairs' "
    "differences, ± half the 95 % t-interval of these (n - 1 degrees of freedom). One pair, or no seed shared, has "
    "none. A t-interval, since a bootstrap over three seeds is no wider than their range. It holds for each number "
    "alone: among many, some leave out 0 by chance."
)
SHARES_NOTE = (
    "(accuracy from few images - random weights) / (the same method on a full data set - random weights), of means "
    "over the training seeds that all three share. In brackets the 95 % percentile bootstrap over these seeds (10,000 "
    "draws, a fixed seed); with three seeds it is their range at most, so the truth may well lie outside. One seed, or "
    "none shared, has no interval. The two trainings may differ in more than their images, such as their steps."
)
DASH_NOTE = (
    "-: the full data set's own gain over random weights cannot be told from 0 there (its interval above includes 0, "
    "or without one it is not positive; or some draw of it is not), and a share of it would mean nothing."
)


def difference_table(table: Table) -> TextTable | None:
    """Each line less the random weights of its trunk, in points a layer; None where there are none to compare."""
    rows = []
    for line, random in _beside_random(table):
        cells = {layer: difference(line, random, layer).shown("+") for layer in line.cells if layer in random.cells}
        rows.append(([line.label], cells, [_pairs(_shared(line, random)), line.trunk]))
    title = f"Difference to random weights (points): {table.context}"
    return _text_table(title, table, ["learned from"], ["pairs", "architecture"], rows, [DIFFERENCES_NOTE])


def recovery_table(table: Table) -> TextTable | None:
    """Per layer, the percentage of a full data set's gain over random weights that few images give; or None."""
    rows = []
    for line, random in _beside_random(table):
        for full in _full(table, line):
            layers = [layer for layer in line.cells if layer in full.cells and layer in random.cells]
            cells = {layer: str(recovery(line, full, random, layer) or "-") for layer in layers}
            rows.append(([line.label, full.label], cells, [_pairs(_shared(line, full, random)), line.trunk]))
    title = f"% of full-data accuracy recovered, per layer: {table.context}"
    notes = [SHARES_NOTE, *([DASH_NOTE] if any("-" in cells.values() for _, cells, _ in rows) else [])]
    return _text_table(title, table, ["learned from", "share of"], ["shared seeds", "architecture"], rows, notes)


def difference(line: Line, other: Line, layer: str) -> Cell:
    """`line` less `other` in points, over pairs of one training seed; without one, of their means."""
    seeds = _shared(line, other)
    if not seeds:
        return Cell(line.cells[layer].mean - other.cells[layer].mean, None, 0)
    return interval([line.by_seed[layer][seed] - other.by_seed[layer][seed] for seed in seeds])


def recovery(few: Line, full: Line, random: Line, layer: str) -> Share | None:
    """100 * (few - random) / (full - random), or None where full - random cannot be told from 0."""
    gain = difference(full, random, layer)
    if gain.mean <= (gain.half or 0):
        return None
    lines, seeds = (few, full, random), _shared(few, full, random)
    values = [[line.by_seed[layer][seed] for seed in seeds] or [line.cells[layer].mean] for line in lines]
    few_gains, full_gains = ([a - b for a, b in zip(some, values[2], strict=True)] for some in values[:2])
    return bootstrap_share(few_gains, full_gains)


def _beside_random(table: Table) -> Iterator[tuple[Line, Line]]:
    """Each line that learned, and the random weights of its trunk: of several, those with the most seeds."""
    for line in table.lines:
        random = [other for other in table.lines if other.is_random and other.trunk == line.trunk]
        if random and not line.is_random:
            yield line, max(random, key=lambda other: len(other.seeds))


def _full(table: Table, line: Line) -> list[Line]:
    """The lines of the same method and trunk that learned from a data set; none where `line` did so itself."""
    if line.pretrain is None or not line.pretrain.images:
        return []
    return [
        other
        for other in table.lines
        if other.pretrain is not None
        and not other.pretrain.images
        and (other.pretrain.method, other.trunk) == (line.pretrain.method, line.trunk)
    ]


def _shared(*lines: Line) -> list[str]:
    """Training seeds that every line has, in order."""
    seeds = [{seed for values in line.by_seed.values() for seed in values} for line in lines]
    return sorted(set.intersection(*seeds), key=lambda seed: (len(seed), seed))


def _pairs(seeds: Sequence[str]) -> str:
    if not seeds:
        return "no seed shared, no interval"
    listed = " ".join(seeds)
    return f"n={len(seeds)} (seeds {listed})" if len(seeds) > 1 else f"n=1 (seed {listed}), no interval"


def _text_table(
    title: str,
    table: Table,
    first: list[str],
    last: list[str],
    rows: Sequence[tuple[list[str], Mapping[str, str], list[str]]],
    notes: list[str],
) -> TextTable | None:
    """A text with the layers that some row has; None without rows."""
    layers = [layer for layer in table.layers if any(layer in cells for _, cells, _ in rows)]
    filled = [[*names, *(cells.get(layer, "") for layer in layers), *ends] for names, cells, ends in rows]
    numeric = list(range(len(first), len(first) + len(layers)))
    return TextTable(title, [*first, *layers, *last], filled, numeric, notes) if rows else None
