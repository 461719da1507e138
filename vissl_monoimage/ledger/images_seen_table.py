"""The images that committed pretrainings saw whose rows are too old to say so."""

from __future__ import annotations

import csv
import functools

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.utils.paths import benchmarks

FILE_NAME = "images_seen.csv"
"""In benchmarks/results, written by benchmarks/images_seen.py."""


def images_seen(row: Row) -> int | None:
    """Return the training images of all steps of a run, as its row or the table has them; None if neither does."""
    return row.images_seen if row.images_seen is not None else _table().get(row.run_id)


@functools.cache
def _table() -> dict[str, int]:
    path = benchmarks("results") / FILE_NAME
    if not path.is_file():
        return {}
    with open(path, newline="") as file:
        return {line["run_id"]: int(line["images_seen"]) for line in csv.DictReader(file)}
