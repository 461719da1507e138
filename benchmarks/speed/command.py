"""Measure speed beside peers, one core: all benchmarks of this folder, or those named.

    python benchmarks/speed [--only NAME ...] [--rounds N] [--data FOLDER [--images N]]
    python benchmarks/speed --page                             # only write the page anew

Each benchmark runs in a process of its own, writes benchmarks/results/speed/NAME.json when it is done, and the page
benchmarks/speed/README.md is made from these files. `probe` and the supervised steps of `step` need CIFAR-10 as --data,
{train,test}/<class>/*.png, and are left out without it. The paper's photo is MONOIMAGE_DATA/images/ameyoko.jpg; without
it, `crops` takes a free one.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.speed.measurement import Measurement, machine
from benchmarks.speed.page import PAGE, RESULTS, ROOT, page
from vissl_monoimage.ledger.machine import git_sha, versions
from vissl_monoimage.utils.atomic_write import replace_text

BENCHMARKS = ("start", "crops", "step", "deepcluster", "probe")
"""Modules of this folder with a function `measure(rounds: int) -> Measurement`; those of TAKE_DATA take `data` too."""
NEEDS_DATA, TAKE_DATA = "probe", ("step", "probe")
LIMIT = 1800
"""Seconds that a benchmark may take as one of several."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and write the page; return 1 if one failed."""
    parser = argparse.ArgumentParser("benchmarks/speed", description=__doc__, formatter_class=_PLAIN)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--page", action="store_true", help="measure nothing")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="CIFAR-10, for `probe` and `step`")
    parser.add_argument("--images", type=int, help="training images of `probe` [its own default]")
    options = parser.parse_args(arguments)
    if options.only == [NEEDS_DATA] and not options.data:
        parser.error(f"{NEEDS_DATA} needs --data")
    if options.data and not all((options.data / split).is_dir() for split in ("train", "test")):
        parser.error(f"--data={options.data} must be a folder with train/<class>/*.png and test/<class>/*.png")
    names = [name for name in options.only if name != NEEDS_DATA or options.data]
    failed = []
    if options.page:
        names = []
    if len(names) == 1:
        _measure(names[0], options)
    else:
        failed = [name for name in names if not _measure_apart(name, options)]
    replace_text(PAGE, page())
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def _measure_apart(name: str, options: argparse.Namespace) -> bool:
    """Measure in a process of its own, so that no benchmark finds another's threads, caches or allocator."""
    command = [sys.executable, str(Path(__file__).parent), *_words(name, options)]
    try:
        return subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=LIMIT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _words(name: str, options: argparse.Namespace) -> list[str]:
    words = ["--only", name, "--rounds", str(options.rounds)]
    for option in [*(["data"] * (name in TAKE_DATA)), *(["images"] * (name == NEEDS_DATA))]:
        if (value := getattr(options, option)) is not None:
            words += [f"--{option}", str(value)]
    return words


def _measure(name: str, options: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)
    print(f"{name} ...", flush=True)
    more: dict[str, Any] = {"data": options.data} if name in TAKE_DATA else {}
    more |= {"images": options.images} if name == NEEDS_DATA and options.images else {}
    began = time.monotonic()
    measurement: Measurement = importlib.import_module(f"benchmarks.speed.{name}").measure(options.rounds, **more)
    seconds = time.monotonic() - began
    words = _words(name, options)
    if options.data:
        words = [word.replace(str(options.data), "FOLDER") for word in words]
    record = record_of(shlex.join(words), options.rounds, seconds, measurement)
    replace_text(RESULTS / f"{name}.json", json.dumps(record, indent=1) + "\n")
    for figure in record["figures"]:
        print(json.dumps({key: figure[key] for key in ("name", "unit", "ours", "peer", "ratio", "reached")}))
    print(f"{name}: {seconds:.0f} s", flush=True)


def record_of(words: str, rounds: int, seconds: float, measurement: Measurement) -> dict[str, Any]:
    """Return what is written of a benchmark that took `seconds`: the measurement, and what made it where."""
    return {
        **dataclasses.asdict(measurement),
        "figures": [{**dataclasses.asdict(figure), "reached": figure.reached} for figure in measurement.figures],
        "number_of_rounds": rounds,
        "seconds": round(seconds, 1),
        "command": f"python benchmarks/speed {words}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "commit": commit(),
        "versions": versions(),
    }


def commit() -> str | None:
    """Return the commit of the checkout; what these benchmarks write does not make it dirty."""
    sha = git_sha()
    others = [
        "git",
        "status",
        "--porcelain",
        "--",
        ".",
        f":!{RESULTS.relative_to(ROOT)}",
        f":!{PAGE.relative_to(ROOT)}",
    ]
    if sha and subprocess.run(others, cwd=ROOT, capture_output=True, text=True).stdout == "":
        return sha.removesuffix("-dirty")
    return sha


_PLAIN = argparse.RawDescriptionHelpFormatter
