"""Hashes of the initial weights of rows that do not have them, recomputed by `benchmarks/initial_weights.py`."""

from __future__ import annotations

import csv
import functools

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.utils.paths import benchmarks

FILE_NAME = "initial_weights.csv"


def initial_weights_hash(row: Row) -> str | None:
    """Return the hash of the weights that the trunk of a row started from: the row's own, else the table's.

    Rows of version 1 have none. Those of committed pretrainings and probes of random weights are in the table.
    """
    return row.initial_weights.sha256 or _table().get(row.run_id)


@functools.cache
def _table() -> dict[str, str]:
    file = benchmarks("results") / FILE_NAME
    if not file.is_file():
        return {}
    with open(file, newline="", encoding="utf-8") as opened:
        return {line["run_id"]: line["sha256"] for line in csv.DictReader(opened)}
