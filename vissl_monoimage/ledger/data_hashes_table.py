"""The images of committed probes whose rows are too old to have their hash.

`benchmarks/data_hashes.py` has repeated the probes of random weights beside them on images of known hash.
"""

from __future__ import annotations

import csv
import functools

from vissl_monoimage.utils.paths import benchmarks

FILE_NAME = "data_hashes.csv"
"""In benchmarks/results: a run, and the hashes of its training and its test images."""


def hash_from_table(run_id: str, split: str) -> str | None:
    """Return the hash of the images of a split, `train` or `test`, of a run; None if the table has none."""
    return _table().get(run_id, {}).get(split)


@functools.cache
def _table() -> dict[str, dict[str, str]]:
    path = benchmarks("results") / FILE_NAME
    if not path.is_file():
        return {}
    with open(path, newline="") as file:
        return {line.pop("run_id"): line for line in csv.DictReader(file)}
