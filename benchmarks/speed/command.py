"""Measure speed beside peers, one core: all benchmarks of this folder, or those named.

    python benchmarks/speed [--only NAME ...] [--rounds N]
    python benchmarks/speed --page                             # only write the page anew

Each benchmark runs in a process of its own, writes benchmarks/results/speed/NAME.json when it is done, and the page
benchmarks/speed/README.md is made from these files. Data sets and the paper's photo are looked for in the folder
MONOIMAGE_DATA, as `cifar10` and `images/ameyoko.jpg`.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.speed.measurement import Measurement, machine
from benchmarks.speed.page import PAGE, RESULTS, page
from vissl_monoimage.ledger.machine import git_sha, versions
from vissl_monoimage.utils.atomic_write import replace_text

BENCHMARKS = ("crops", "step")
"""Modules of this folder with a function `measure(rounds: int) -> Measurement`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and write the page; return 1 if one failed."""
    parser = argparse.ArgumentParser("benchmarks/speed", description=__doc__, formatter_class=_PLAIN)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--page", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    failed = []
    if len(options.only) == 1 and not options.page:
        _measure(options.only[0], options.rounds)
    elif not options.page:
        failed = [name for name in options.only if not _measure_apart(name, options.rounds)]
    replace_text(PAGE, page())
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def _measure_apart(name: str, rounds: int) -> bool:
    """Measure in a process of its own, so that no benchmark finds another's threads, caches or allocator."""
    command = [sys.executable, str(Path(__file__).parent), "--only", name, "--rounds", str(rounds)]
    return subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode == 0


def _measure(name: str, rounds: int) -> None:
    import torch

    torch.set_num_threads(1)
    print(f"{name} ...", flush=True)
    began = time.monotonic()
    measurement: Measurement = importlib.import_module(f"benchmarks.speed.{name}").measure(rounds)
    seconds = time.monotonic() - began
    record = record_of(name, rounds, seconds, measurement)
    replace_text(RESULTS / f"{name}.json", json.dumps(record, indent=1) + "\n")
    for figure in record["figures"]:
        print(json.dumps({key: figure[key] for key in ("name", "unit", "ours", "peer", "ratio", "reached")}))
    print(f"{name}: {seconds:.0f} s", flush=True)


def record_of(name: str, rounds: int, seconds: float, measurement: Measurement) -> dict[str, Any]:
    """Return what is written of a benchmark that took `seconds`: the measurement, and what made it where."""
    return {
        **dataclasses.asdict(measurement),
        "figures": [{**dataclasses.asdict(figure), "reached": figure.reached} for figure in measurement.figures],
        "number_of_rounds": rounds,
        "seconds": round(seconds, 1),
        "command": f"python benchmarks/speed --only {name} --rounds {rounds}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "commit": git_sha(),
        "versions": versions(),
    }


_PLAIN = argparse.RawDescriptionHelpFormatter
