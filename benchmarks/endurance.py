"""Train RotNet on two processes for a while, and see whether memory and open files stay flat.

    python benchmarks/endurance.py [--minutes 60] [--results endurance.json]

Every ten seconds the open files and threads of all processes of the run are summed up, and the resident memory of those
that live throughout: what a worker leaks ends with its epoch, and memory of workers comes and goes by a gigabyte. (Pss
would not do: what a process shares with its workers counts in full again as soon as they end.) The first quarter is
left out: caches fill in it. Flat means that the median of the last quarter is at most 2 % of memory, and no file or
thread, above that of the second quarter. Exit status 1 where it is not, or where the run ends by itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Sample:
    """What all processes of a run hold at one second.

    Attributes:
        resident: megabytes of each process, by its number.
    """

    second: float
    resident: dict[int, float]
    files: int
    threads: int


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
        replace_text(
            options.results,
            json.dumps({**result, "samples": [dataclasses.asdict(sample) for sample in samples]}) + "\n",
        )
    print(json.dumps(result))
    return int(not result["flat"])


def observe(run: subprocess.Popen[bytes], minutes: float, started: Path) -> list[Sample]:
    """Return a sample every `SECONDS` from the first step on, for so many minutes or until the run ends."""
    samples: list[Sample] = []
    while run.poll() is None and not started.exists():
        time.sleep(1)
    began = time.monotonic()
    while run.poll() is None and (now := time.monotonic() - began) < 60 * minutes:
        samples.append(measured(run.pid, round(now, 1)))
        time.sleep(SECONDS)
    return samples


def measured(session: int, second: float) -> Sample:
    """Return what the processes of a session hold now."""
    resident, files, threads = {}, 0, 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) != session:
                continue
            pages = int((entry / "statm").read_text().split()[1])
            files_now, threads_now = len(list((entry / "fd").iterdir())), len(list((entry / "task").iterdir()))
        except OSError:  # it has ended meanwhile
            continue
        resident[int(entry.name)] = round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
        files, threads = files + files_now, threads + threads_now
    return Sample(second, resident, files, threads)


def summarise(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the medians of the second and of the last quarter, and whether they are flat."""
    quarter = len(samples) // 4
    if not quarter:
        return {"flat": False, "count": len(samples)}
    lasting = set.intersection(*(set(sample.resident) for sample in samples))
    medians = {}
    for key, part in (("early", samples[quarter : 2 * quarter]), ("late", samples[len(samples) - quarter :])):
        medians[key] = {
            "megabytes": statistics.median(sum(sample.resident[process] for process in lasting) for sample in part),
            "files": statistics.median(sample.files for sample in part),
            "threads": statistics.median(sample.threads for sample in part),
        }
    flat = all(medians["late"][key] <= medians["early"][key] * most for key, most in MOST_GROWTH.items())
    return {"flat": flat, "minutes": round(samples[-1].second / 60, 1), "lasting": len(lasting), **medians}


if __name__ == "__main__":
    sys.exit(main())
