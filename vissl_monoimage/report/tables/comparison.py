"""Lines of a table compared: gains over random weights, and the share of a full data set's gain that few images give.

Lines are compared within an architecture, paired by training seed where they share seeds. With three seeds, a
bootstrap interval of a difference is no wider than the range of the three values, which is far too narrow; so
differences have the t-interval of the pairs. A share, being a ratio, has none, so it has the bootstrap's interval, and
a note says what that is worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.intervals import Cell, Share, bootstrap_share, interval
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable

DIFFERENCES_NOTE = (
    "Points above random weights of the same architecture, paired by training seed: the mean of the pairwise "
    "differences ± half the width of its 95 % t-interval (n - 1 degrees of freedom). A single pair, or no shared seed, "
    "gives no interval. A bootstrap interval over three seeds would be no wider than their range. Each interval holds "
    "on its own: among many, some exclude 0 by chance."
)
SHARES_NOTE = (
    "(accuracy from few images - random weights) / (the same method on a full data set - random weights), of means "
    "over the training seeds that all three share. In brackets, the 95 % percentile bootstrap interval over these "
    "seeds (10,000 resamples, fixed seed); with three seeds it spans at most their range, so the true value may well "
    "lie outside it. A single shared seed, or none, gives no interval. The two pretrainings may differ in more than "
    "their images, for example in their number of steps."
)
DASH_NOTE = (
    "-: inconclusive. The full data set's own gain over random weights is not distinguishable from 0 in this layer "
    "(its interval above includes 0; without an interval, it is not positive; or it is not positive in some resample), "
    "so a share of it would mean nothing."
)


def difference_table(table: Table) -> TextTable | None:
    """Return each line less the random weights of its architecture, in points by layer; None if there are none."""
    rows = []
    for line, random in _paired_with_random(table):
        cells = {layer: difference(line, random, layer).format("+") for layer in line.cells if layer in random.cells}
        rows.append(([line.label], cells, [_describe_seeds(_shared_seeds(line, random)), line.trunk]))
    title = f"Difference to random weights (points): {table.context}"
    return _text_table(title, table, ["pretraining"], ["pairs", "architecture"], rows, [DIFFERENCES_NOTE])


def recovery_table(table: Table) -> TextTable | None:
    """Return the percentage of a full data set's gain that few images give, by layer; None if nothing compares."""
    rows = []
    for line, random in _paired_with_random(table):
        for full in _full_data_lines(table, line):
            layers = [layer for layer in line.cells if layer in full.cells and layer in random.cells]
            cells = {layer: str(recovery(line, full, random, layer) or "-") for layer in layers}
            seeds = _describe_seeds(_shared_seeds(line, full, random))
            rows.append(([line.label, full.label], cells, [seeds, line.trunk]))
    title = f"Share of the full data set's gain over random weights (%): {table.context}"
    notes = [SHARES_NOTE, *([DASH_NOTE] if any("-" in cells.values() for _, cells, _ in rows) else [])]
    return _text_table(title, table, ["pretraining", "share of"], ["shared seeds", "architecture"], rows, notes)


def difference(line: Line, other: Line, layer: str) -> Cell:
    """Return `line` less `other` in points, over pairs of one training seed; of their means if no seed is shared."""
    seeds = _shared_seeds(line, other)
    if not seeds:
        return Cell(line.cells[layer].mean - other.cells[layer].mean, None, 0)
    return interval([line.by_seed[layer][seed] - other.by_seed[layer][seed] for seed in seeds])


def recovery(few: Line, full: Line, random: Line, layer: str) -> Share | None:
    """Return 100 * (few - random) / (full - random); None if full - random is not distinguishable from 0."""
    gain = difference(full, random, layer)
    if gain.mean <= (gain.half_width or 0):
        return None
    lines, seeds = (few, full, random), _shared_seeds(few, full, random)
    values = [[line.by_seed[layer][seed] for seed in seeds] or [line.cells[layer].mean] for line in lines]
    few_gains, full_gains = ([a - b for a, b in zip(some, values[2], strict=True)] for some in values[:2])
    return bootstrap_share(few_gains, full_gains)


def _paired_with_random(table: Table) -> Iterator[tuple[Line, Line]]:
    """Yield each line but those of random weights, with its architecture's random weights of the most seeds."""
    for line in table.lines:
        random = [other for other in table.lines if other.is_random and other.trunk == line.trunk]
        if random and not line.is_random:
            yield line, max(random, key=lambda other: len(other.seeds))


def _full_data_lines(table: Table, line: Line) -> list[Line]:
    """Return the lines of the same method and trunk pretrained on a data set; none if `line` is one itself."""
    if line.pretrain is None or not line.pretrain.images:
        return []
    return [
        other
        for other in table.lines
        if other.pretrain is not None
        and not other.pretrain.images
        and (other.pretrain.method, other.trunk) == (line.pretrain.method, line.trunk)
    ]


def _shared_seeds(*lines: Line) -> list[str]:
    """Return the training seeds that all lines have, in order."""
    seeds = [{seed for values in line.by_seed.values() for seed in values} for line in lines]
    return sorted(set.intersection(*seeds), key=lambda seed: (len(seed), seed))


def _describe_seeds(seeds: Sequence[str]) -> str:
    if not seeds:
        return "no shared seed, no interval"
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
    """Return a table of the layers that some row has; None without rows."""
    layers = [layer for layer in table.layers if any(layer in cells for _, cells, _ in rows)]
    filled = [[*names, *(cells.get(layer, "") for layer in layers), *ends] for names, cells, ends in rows]
    numeric = list(range(len(first), len(first) + len(layers)))
    return TextTable(title, [*first, *layers, *last], filled, numeric, notes) if rows else None
