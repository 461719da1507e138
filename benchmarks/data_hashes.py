"""Find out which images old probes are of, whose rows have no hash of them, into results/data_hashes.csv.

    python benchmarks/data_hashes.py cifar10=FOLDER cifar100=FOLDER [--ledgers table3-cifar ...]

FOLDER has train/ and test/ with a folder of images for each class. The probes of random weights in the ledgers, all of
them by default, are repeated on these images, with the threads that they had. All committed probes of that data set
without a hash get those of the images if all repeated ones have the same first losses but for rounding, and one of them
the same accuracies. Not all have: at batches of 32, a difference of 1e-7 in the first loss may grow to a tenth in 500
steps. Features are cached, which changes no number: a probe takes a core-minute or two.
"""

from __future__ import annotations

import argparse
import csv
import functools
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.data_hashes_table import FILE_NAME
from vissl_monoimage.ledger.row import Row

RESULTS = Path(__file__).parent / "results"
LEDGERS = sorted(file.stem for file in RESULTS.glob("*.jsonl"))
SPLITS = ("train", "test")
CACHED = "config.MONOIMAGE.CACHE_FEATURES="
FIRST_STEPS = 100
SAME_LOSSES, SAME_ACCURACIES = 1e-3, 0.05  # largest relative difference, and points: five of ten thousand images


def main() -> int:
    """Repeat the probes, and write the table; return 1 if those of a data set have other numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--ledgers", nargs="+", default=LEDGERS, choices=LEDGERS, metavar="NAME")
    options = parser.parse_args()
    committed = ledger.read([RESULTS / f"{name}.jsonl" for name in LEDGERS])
    chosen = {row.run_id for row in ledger.read([RESULTS / f"{name}.jsonl" for name in options.ledgers])}
    differing = 0
    for name, _, folder in (item.partition("=") for item in options.data):
        old = [row for row in committed if row.kind == "probe" and row.dataset == name and is_without_hash(row)]
        drawn = {row.run_id: row for row in old if row.method == "random" and row.run_id in chosen}
        repeated = [
            (row, repeat(tuple(overrides_on(row, str(Path(folder).resolve()))), threads_of(row)))
            for row in drawn.values()
        ]
        if are_same(repeated):
            hashes = [str(repeated[0][1].data[split].sha256) for split in SPLITS]
            add({row.run_id: hashes for row in old})
            print(f"{len(old)} probes have the hashes of {name}", flush=True)
        else:
            differing += 1
            print(f"no probe has the hashes of {name}", flush=True)
    return int(differing > 0)


def is_without_hash(row: Row) -> bool:
    """Return whether a row has no hash of its images itself."""
    return not any(row.data[split].sha256 for split in SPLITS if split in row.data)


def are_same(repeated: Sequence[tuple[Row, Row]]) -> bool:
    """Return whether all probes begin as the repeated ones, and one ends as these; False if there are none."""
    found = [differences(*pair) for pair in repeated]
    return all(losses <= SAME_LOSSES for losses, _ in found) and any(points <= SAME_ACCURACIES for _, points in found)


def differences(row: Row, again: Row) -> tuple[float, float]:
    """Return the largest relative difference of a first loss, and the largest one of a top-1 accuracy in points."""
    losses = {step: loss for step, loss in again.losses if step <= FIRST_STEPS}
    relative = max(abs(losses[step] / loss - 1) for step, loss in row.losses if step in losses)
    points = max(abs(again.accuracies[layer]["top_1"] - old["top_1"]) for layer, old in row.accuracies.items())
    print(f"{row.run_id}: first losses differ by {relative:.1e}, accuracies by {points:.2f} points", flush=True)
    return relative, points


def overrides_on(row: Row, folder: str) -> list[str]:
    """Return the overrides of a probe with its images in `folder`, cached features, and no folder of its own."""
    kept = [word for word in row.overrides if not word.startswith(("config.CHECKPOINT.DIR=", CACHED))]
    kept += [f"{CACHED}true"] if str(row.protocol).startswith("cifar-") else []
    return [re.sub(r"(?<=\.DATA_PATHS=\[)[^\]]*(?=/(train|test)\])", folder, word) for word in kept]


def threads_of(row: Row) -> str:
    """Return how many threads a run on a CPU had: sums of floats depend on it."""
    return re.findall(r"\((\d+) threads\)", row.device)[0]


@functools.cache
def repeat(overrides: Sequence[str], threads: str) -> Row:
    """Run a probe and return its row."""
    print(f"repeating {shlex.join(overrides)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vissl_monoimage", "run", *overrides, "config.CHECKPOINT.DIR=run"]
        environment = {**os.environ, "OMP_NUM_THREADS": threads}
        subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
        (row,) = ledger.read([Path(folder, "run")])
    return row


def add(hashes: dict[str, list[str]]) -> None:
    """Write the table, with what it had before."""
    file = RESULTS / FILE_NAME
    if file.exists():
        with open(file, newline="") as opened:
            hashes = {line["run_id"]: [line[split] for split in SPLITS] for line in csv.DictReader(opened)} | hashes
    with open(file, "w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerows([("run_id", *SPLITS), *((run_id, *pair) for run_id, pair in sorted(hashes.items()))])


if __name__ == "__main__":
    raise SystemExit(main())
