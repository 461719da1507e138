"""The lines of a table that others are compared with: untrained weights, calibrated or not, and full data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.labels import is_part

CALIBRATED = "random, calibrated"


def is_calibrated(line: Line) -> bool:
    """Return whether a line is of random weights whose batch norms have statistics from images."""
    return line.pretrain is not None and line.pretrain.method == CALIBRATED


def is_baseline(line: Line) -> bool:
    """Return whether no weight of a line was learned."""
    return line.is_fixed or line.is_random or is_calibrated(line)


def random_baseline(line: Line, lines: Iterable[Line]) -> Line | None:
    """Return the random weights that a line is compared with, as they are initialised; None if there are none."""
    return _best(line, (other for other in lines if other.is_random and other.trunk == line.trunk))


def calibrated_baseline(line: Line, lines: Iterable[Line]) -> Line | None:
    """Return the random weights calibrated on the images that a line was pretrained on; None if there are none."""
    if line.pretrain is None:
        return None
    images = _source(line.pretrain)
    same = (other for other in lines if is_calibrated(other) and other.pretrain and _source(other.pretrain) == images)
    return _best(line, (other for other in same if other.trunk == line.trunk))


def data_set_lines(line: Line, lines: Iterable[Line]) -> list[Line]:
    """Return the lines of the same method and trunk pretrained on a data set or a part of it, to compare `line` with.

    A data set may also be a list of photos, as many as it has images, whose crops get the augmentation of a photo. If
    some of the lines have as many steps, only these; if some of these have the same YAML, only these. Empty if `line`
    itself is a data set's or a baseline.
    """
    few = line.pretrain
    if few is None or is_baseline(line):
        return []
    lines = [other for other in lines if _has_method_of(line, other)]
    if not few.images or is_full_data_set(line, lines):
        return []
    rows = [(other, other.pretrain) for other in lines if other.pretrain]
    found = [(other, row) for other, row in rows if not row.images or is_full_data_set(other, lines)]
    closest: list[Callable[[Row], bool]] = [
        lambda row: row.iterations == few.iterations,
        lambda row: row.name == few.name,
    ]
    for is_alike in closest:
        found = [(other, row) for other, row in found if is_alike(row)] or found
    return [other for other, _ in found]


def is_full_data_set(line: Line, lines: Iterable[Line]) -> bool:
    """Return whether a line was pretrained on a whole data set, or on as many photos as the data set of another has."""
    row = line.pretrain
    if row is None:
        return False
    if not row.images:
        return not is_part(row)
    rows = [other.pretrain for other in lines if other.pretrain and _has_method_of(line, other)]
    return row.n_images in {other.n_images for other in rows if not other.images and not is_part(other)} - {None}


def _has_method_of(line: Line, other: Line) -> bool:
    return bool(
        line.pretrain and other.pretrain and (line.pretrain.method, line.trunk) == (other.pretrain.method, other.trunk)
    )


def _source(row: Row) -> tuple[str, ...]:
    """Return the photos of a run, else the name of its data set."""
    return tuple(image["sha256"] for image in row.images) or (row.dataset,)


def _best(line: Line, baselines: Iterable[Line]) -> Line | None:
    """Return the baseline with the most trunks of `line`'s initial weights, of several the one with the most seeds."""
    weights = _weights(line)
    return max(baselines, key=lambda other: (len(weights & _weights(other)), len(other.seeds)), default=None)


def _weights(line: Line) -> set[str]:
    return {name for values in line.by_weights.values() for name in values}
