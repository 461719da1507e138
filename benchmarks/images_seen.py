"""Recompute the images that committed pretrainings saw whose rows do not have them, into results/images_seen.csv.

    python benchmarks/images_seen.py

By the rule of docs/ledger.md, from the configuration and the number of steps: rows of version 1 have steps alone.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.images_seen_table import FILE_NAME
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.task_vissl import IMAGES_PER_SAMPLE

RESULTS = Path(__file__).parent / "results"
# The overrides that batches depend on.
_DECIDING = re.compile(
    r"(config|\+config/.*|config\.OPTIMIZER\.num_epochs|config\.DATA\.TRAIN\.(BATCHSIZE_PER_REPLICA|COLLATE_FUNCTION))=.*"
)


def recomputed(rows: Iterable[Row]) -> Iterator[tuple[str, int]]:
    """Yield run and number of images of each pretraining that lacks it and says how many images it had."""
    configs: dict[str, Any] = {}
    for row in rows:
        if row.kind != "pretrain" or row.images_seen is not None:
            continue
        samples = row.recipe.get("num_samples") or row.n_images
        if samples is None:
            continue
        if row.name.startswith("init "):
            yield row.run_id, samples
            continue
        key = shlex.join(word for word in row.overrides if _DECIDING.fullmatch(word))
        if key not in configs:
            configs[key] = compose_config(shlex.split(key)).config
        train, epochs = configs[key].DATA.TRAIN, configs[key].OPTIMIZER.num_epochs
        seen = epochs * min(samples, row.iterations // epochs * train.BATCHSIZE_PER_REPLICA)
        yield row.run_id, seen * IMAGES_PER_SAMPLE.get(train.COLLATE_FUNCTION, 1)


def main() -> None:
    """Write the table."""
    found = dict(recomputed(ledger.read(sorted(RESULTS.glob("*.jsonl")))))
    with open(RESULTS / FILE_NAME, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("run_id", "images_seen"), *sorted(found.items())])
    print(f"{len(found)} pretrainings saw {min(found.values()):,} to {max(found.values()):,} images")


if __name__ == "__main__":
    main()
