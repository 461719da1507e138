"""How long commands take to answer, and a run to its first training step, beside VISSL's own start.

The first step is over when the run's log.txt has its line. VISSL starts by its own tool `tools.run_distributed_engines`
on its own RotNet configuration, on synthetic images and the CPU, with two images a batch so that the step itself takes
little; our run has the batch and network of its configuration. VISSL has the mends of `vissl_monoimage.compat`, without
which it cannot be imported with current libraries.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.speed.measurement import Figure, Measurement, median_of, median_ratio, take_turns

GOALS = {"--help": 1.0, "ls": 1.0}
FIRST_STEP_GOAL = 8.0
"""Seconds."""
TIMEOUT, POLL = 600.0, 0.05
FIRST_STEP = "] iter: 0;"
COMMON = (
    "config.TEST_MODEL=false",
    "config.LOG_FREQUENCY=1",
)
OURS = ("config=pretrain/monoimage/rotnet_convnet4", "config.DATA.TRAIN.DATA_PATHS=[china]")
VISSL = (
    "config=pretrain/rotnet/rotnet_8gpu_resnet",
    "config.DATA.TRAIN.DATA_SOURCES=[synthetic]",
    "config.DATA.TRAIN.LABEL_TYPE=sample_index",
    "config.DATA.TRAIN.DATA_LIMIT=4",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=2",
    "config.DATA.NUM_DATALOADER_WORKERS=0",
    "config.DISTRIBUTED.BACKEND=gloo",
    "config.DISTRIBUTED.NUM_PROC_PER_NODE=1",
    "config.MACHINE.DEVICE=cpu",
)
TOOL = "import runpy, vissl_monoimage; runpy.run_module('tools.run_distributed_engines', run_name='__main__')"


def measure(rounds: int) -> Measurement:
    """Return the seconds of `--help`, of `ls`, and to the first step of a run."""
    monoimage = (sys.executable, "-m", "vissl_monoimage")
    kinds: dict[str, Callable[[], float]] = {
        "--help": lambda: _seconds_of(*monoimage, "--help"),
        "ls": lambda: _seconds_of(*monoimage, "ls"),
        "first step": lambda: _seconds_to_first_step(*monoimage, "run", *OURS, *COMMON),
        "imports": lambda: _seconds_of(sys.executable, "-c", "import vissl_monoimage, vissl.trainer, torch._dynamo"),
        "VISSL's first step": lambda: _seconds_to_first_step(sys.executable, "-c", TOOL, *VISSL, *COMMON),
    }
    for kind in ("--help", "first step"):
        kinds[kind]()  # reads the files from the disk
    values = take_turns(kinds, rounds)
    answers = ((kind, median_of(values, kind), goal) for kind, goal in GOALS.items())
    figures = [Figure(f"`monoimage {kind}`", "s", took, None, took, at_most=goal) for kind, took, goal in answers]
    ours, theirs = median_of(values, "first step"), median_of(values, "VISSL's first step")
    imports = median_of(values, "imports")
    reason = f"importing VISSL's trainer, and what torch's optimizers import, takes {imports:.1f} s of it"
    name = "`monoimage run` to its first step"
    figures.append(Figure(name, "s", ours, None, ours, at_most=FIRST_STEP_GOAL, reason=reason))
    ratio = median_ratio(values, "first step", "VISSL's first step")
    figures.append(Figure("`monoimage run` beside VISSL's own tool", "s", ours, theirs, ratio))
    peer = "VISSL's `tools.run_distributed_engines` on its RotNet configuration, for the first step"
    return Measurement("seconds until something happens", peer, "wall", tuple(figures), values)


def _seconds_of(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def _seconds_to_first_step(*command: str) -> float:
    """Start a run in a new folder, wait for the log's line of the first step, and end the run.

    Raises:
        RuntimeError: the run ends or the time is over before that line.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder, "run", "log.txt")
        words = [*command, f"config.CHECKPOINT.DIR={log.parent}"]
        began = time.perf_counter()
        with (
            open(Path(folder, "output"), "w+") as output,
            subprocess.Popen(words, stdout=output, stderr=output, env={**os.environ, "OMP_NUM_THREADS": "1"}) as run,
        ):
            try:
                while time.perf_counter() - began < TIMEOUT:
                    if log.is_file() and FIRST_STEP in log.read_text(errors="replace"):
                        return time.perf_counter() - began
                    if run.poll() is not None:
                        break
                    time.sleep(POLL)
            finally:
                run.kill()
            output.seek(0)
            raise RuntimeError(f"no first step in {' '.join(words)}:\n{output.read()[-2000:]}")
