"""Recompute the hash of the initial weights of committed rows that do not have it, into results/initial_weights.csv.

    python benchmarks/initial_weights.py

VISSL seeds a run with `SEED_VALUE * num_epochs` and draws the trunk first, so configuration, epochs and seed decide the
weights (`monoimage init random --like`). Rows are compared in pairs of the same initial weights, which is not the same
as pairs of one seed: but for seed 0, a pretraining and a probe of random weights start from different ones.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.initial_weights import weights_sha256
from vissl_monoimage.ledger.initial_weights_table import FILE_NAME
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.init.initial import initial_trunk, read_pretraining
from vissl_monoimage.models.trunks.registry import fixed_features

RESULTS = Path(__file__).parent / "results"
# The overrides that initial weights depend on, beside the seed.
_DECIDING = re.compile(r"(config|\+config/.*|config\.MODEL\.TRUNK\..*|config\.OPTIMIZER\.num_epochs)=.*")


def recomputed(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Yield run and hash of each row of a pretraining, or of a probe of random weights, that lacks its hash."""
    hashes: dict[tuple[str, int], str] = {}
    for row in rows:
        if row.initial_weights.sha256 or row.name.startswith("init ") or not _draws_weights(row):
            continue
        key = shlex.join(word for word in row.overrides if _DECIDING.fullmatch(word)), row.seed
        if key not in hashes:
            hashes[key] = weights_sha256(initial_trunk(read_pretraining(key[0]), row.seed).state_dict())
        yield row.run_id, hashes[key]


def _draws_weights(row: Row) -> bool:
    return not row.weights.path and not fixed_features(row.trunk) and (row.kind == "pretrain" or row.method == "random")


def main() -> None:
    """Write the table."""
    found = dict(recomputed(ledger.read(sorted(RESULTS.glob("*.jsonl")))))
    with open(RESULTS / FILE_NAME, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("run_id", "sha256"), *sorted(found.items())])
    print(f"{len(found)} runs start from {len(set(found.values()))} different weights")


if __name__ == "__main__":
    main()
