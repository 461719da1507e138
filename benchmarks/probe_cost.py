"""Core-seconds of a probe of convnet4 on CIFAR-10: by itself, and one of several in a benchmark.

    python benchmarks/probe_cost.py FOLDER [--checkpoints 1 6] [--rounds 3]

FOLDER has {train,test}/<class>/*.png. Random weights of as many seeds stand for the checkpoints. User and system time
of all processes are added up, start-up and decoding included, and the accuracies of a seed must agree however it was
probed. Medians over the rounds go to stdout and to benchmarks/results/probe_cost.json. A round with the defaults takes
about eight minutes of one core. Core-seconds grow by half or more where other work shares the machine's caches.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.ledger.machine import versions
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.reproduce.run import Run
from vissl_monoimage.reproduce.runner import execute, finished, run_all
from vissl_monoimage.utils.precision import cpu_has_bfloat16

RESULT = Path(__file__).parent / "results" / "probe_cost.json"


def core_seconds() -> float:
    """Return the user and system time of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cost(data: Path, seeds: Sequence[int], forks: bool) -> tuple[float, dict[int, Any]]:
    """Return the core-seconds of a probe, and {seed: accuracies}.

    Args:
        data: the images.
        seeds: of the random weights.
        forks: whether `reproduce` runs them, or each runs in a process of its own.
    """
    with tempfile.TemporaryDirectory() as out:
        grid = read_grid("table3-cifar").only(["random"], ["cifar10"])
        chains = plan(grid, "laptop", Inputs("china", {"cifar10": data}, Path(out)), seeds)
        probes: list[Run] = [run for chain in chains for run in chain.runs]
        began = core_seconds()
        if forks:
            run_all(chains, jobs=1)
        else:
            for run in probes:
                execute(run.folder, [*run.verb, *run.overrides, *run.extra], Path(f"{run.folder}.log"))
        spent = core_seconds() - began
        rows = [row for run in probes if (row := finished(run.folder))]
        if len(rows) < len(probes):
            raise SystemExit("a probe failed")
        return spent / len(probes), {row.seed: row.accuracies for row in rows}


def main() -> None:
    """Measure, compare the accuracies, print and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="FOLDER")
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[1, 6], metavar="N", help="probed together")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    kinds = {"by itself": (1, False), **{f"one of {count}": (count, True) for count in options.checkpoints}}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    accuracies: dict[int, Any] = {}
    for _ in range(options.rounds):
        for kind, (count, forks) in kinds.items():
            spent, found = cost(options.data.resolve(), range(count), forks)
            seconds[kind].append(round(spent, 1))
            print(f"{kind}: {spent:.1f} core-seconds", flush=True)
            if any(accuracies.setdefault(seed, value) != value for seed, value in found.items()):
                raise SystemExit(f"accuracies differ: {found}, before {accuracies}")
    result = {
        "core_seconds_per_probe": {kind: statistics.median(values) for kind, values in seconds.items()},
        "rounds": seconds,
        "accuracies": accuracies,
        "machine": platform.machine(),
        "bfloat16": cpu_has_bfloat16(),
        "versions": versions(),
    }
    print(json.dumps(result["core_seconds_per_probe"]))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
