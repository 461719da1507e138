"""Train RotNet on two processes for a while, and see whether memory and open files stay flat.

    python benchmarks/endurance.py [--minutes 60] [--results endurance.json]

Every ten seconds the memory (Pss, so that shared pages count once), open files and threads of all processes of the run
are summed up. The first quarter is left out: caches fill in it. Flat means that the median of the last quarter is at
most 2 % of memory, and no file or thread, above that of the second quarter. Exit status 1 where it is not, or where the
run ends by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from vissl_monoimage.utils.atomic_write import replace_text

SECONDS = 10.0
MOST_GROWTH = {"megabytes": 1.02, "files": 1.0, "threads": 1.0}
OVERRIDES = [
    "config=pretrain/monoimage/rotnet_convnet4",
    "+config/monoimage=cpu",
    "config.DATA.TRAIN.DATA_PATHS=[china]",
    "config.DATA.TEST.DATA_PATHS=[china]",
    "config.DISTRIBUTED.NUM_PROC_PER_NODE=2",
    "config.DATA.NUM_DATALOADER_WORKERS=1",
    "config.MONOIMAGE.SOURCE.NUM_SAMPLES=4096",
    "config.MONOIMAGE.SOURCE.TEST_SAMPLES=512",
    "config.OPTIMIZER.num_epochs=100000",
    "config.OPTIMIZER.param_schedulers.lr.milestones=[]",
    "config.OPTIMIZER.param_schedulers.lr.values=[0.01]",
]

Sample = dict[str, float]


def main() -> int:
    """Run, print the medians and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: %(default)s)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="JSON file for the samples")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="endurance_") as folder:
        command = [sys.executable, "-m", "vissl_monoimage", "run", *OVERRIDES, f"config.CHECKPOINT.DIR={folder}/run"]
        with open(Path(folder, "log"), "w") as log:
            run = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True
            )
        try:
            samples = observe(run, options.minutes, Path(folder, "run", "losses.jsonl"))
        finally:
            run.send_signal(signal.SIGTERM)
            status = run.wait()
        print(Path(folder, "log").read_text()[-300:], file=sys.stderr)
    if status not in (-signal.SIGTERM, 128 + signal.SIGTERM):
        print(f"the run ended by itself with status {status}", file=sys.stderr)
        return 1
    result = summarise(samples)
    if options.results:
        replace_text(options.results, json.dumps({**result, "samples": samples}) + "\n")
    print(json.dumps(result))
    return int(not result["flat"])


def observe(run: subprocess.Popen[bytes], minutes: float, started: Path) -> list[Sample]:
    """Return a sample every `SECONDS` from the first step on, for so many minutes or until the run ends."""
    samples: list[Sample] = []
    while run.poll() is None and not started.exists():
        time.sleep(1)
    began = time.monotonic()
    while run.poll() is None and (now := time.monotonic() - began) < 60 * minutes:
        samples.append({"second": round(now, 1), **measured(run.pid)})
        time.sleep(SECONDS)
    return samples


def measured(session: int) -> Sample:
    """Return megabytes, open files and threads of all processes of a session."""
    totals = dict.fromkeys(MOST_GROWTH, 0.0)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) != session:
                continue
            lines = (entry / "smaps_rollup").read_text().splitlines()
            files, threads = len(list((entry / "fd").iterdir())), len(list((entry / "task").iterdir()))
        except OSError:  # it has ended meanwhile
            continue
        totals["megabytes"] += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        totals["files"] += files
        totals["threads"] += threads
    return totals


def summarise(samples: list[Sample]) -> dict[str, Any]:
    """Return the medians of the second and of the last quarter, and whether they are flat."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[len(samples) - quarter :]
    if not quarter:
        return {"flat": False, "samples": len(samples)}
    medians = {
        key: [statistics.median(sample[key] for sample in part) for part in (early, late)] for key in MOST_GROWTH
    }
    flat = all(late <= early * MOST_GROWTH[key] for key, (early, late) in medians.items())
    return {"flat": flat, "minutes": round(samples[-1]["second"] / 60, 1), **medians}


if __name__ == "__main__":
    sys.exit(main())
