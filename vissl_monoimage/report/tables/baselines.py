"""The lines of a table that others are compared with: untrained weights, calibrated or not, and full data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.experiment import Line

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


def full_data_lines(line: Line, lines: Iterable[Line]) -> list[Line]:
    """Return the lines of the same method and trunk pretrained on a whole data set; none if `line` is one itself.

    A data set may also be a list of photos, as many as it has images, whose crops get the augmentation of a photo. If
    some of the lines have as many steps, only these; if some of these have the same YAML, only these.
    """
    few = line.pretrain
    if few is None or is_baseline(line):
        return []
    same = [
        (other, other.pretrain)
        for other in lines
        if other.pretrain and other.trunk == line.trunk and other.pretrain.method == few.method
    ]
    whole = {row.n_images for _, row in same if not row.images} - {None}
    if not few.images or few.n_images in whole:
        return []
    found = [other for other, row in same if (not row.images or row.n_images in whole) and not is_baseline(other)]
    closest: list[Callable[[Row], bool]] = [
        lambda row: row.iterations == few.iterations,
        lambda row: row.name == few.name,
    ]
    for is_alike in closest:
        found = [other for other in found if other.pretrain and is_alike(other.pretrain)] or found
    return found


def _source(row: Row) -> tuple[str, ...]:
    """Return the photos of a run, else the name of its data set."""
    return tuple(image["sha256"] for image in row.images) or (row.dataset,)


def _best(line: Line, baselines: Iterable[Line]) -> Line | None:
    """Return the baseline with the most trunks of `line`'s initial weights, of several the one with the most seeds."""
    weights = _weights(line)
    return max(baselines, key=lambda other: (len(weights & _weights(other)), len(other.seeds)), default=None)


def _weights(line: Line) -> set[str]:
    return {name for values in line.by_weights.values() for name in values}
