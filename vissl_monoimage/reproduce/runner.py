"""Run the chains of a benchmark: killed runs are resumed, finished ones are not repeated."""

from __future__ import annotations

import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

import torch

from vissl_monoimage.compat.child_commands import run_child
from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.reproduce.probe_client import ProbeClient
from vissl_monoimage.reproduce.progress import Progress
from vissl_monoimage.reproduce.run import Chain, Run
from vissl_monoimage.utils.folder_lock import INHERITED, folder_lock

Start = Callable[[Sequence[str], int, Any], int]
"""Runs `monoimage WORDS` with the lock on its folder and a file for its output; returns its exit status."""
OnFinished = Callable[[Run, float], None]


def finished(folder: Path) -> Row | None:
    """Return the row of the run in a folder, None if it has not ended."""
    file = folder / ledger.FILE_NAME
    rows = ledger.read([file], ledger.print_note) if file.is_file() else []
    return rows[-1] if rows else None


def execute(folder: Path, words: Sequence[str], log: Path | None = None, start: Start | None = None) -> None:
    """Run `monoimage WORDS` into a folder, unless it has a finished run; a run with a checkpoint resumes.

    Args:
        folder: of the run; only one process at a time runs it.
        words: `run OVERRIDE...` or `init METHOD PHOTO OPTION...`.
        log: file that the output is appended to; None leaves it on the console.
        start: runs the words and returns their exit status; by default in a process of their own.

    Raises:
        MonoImageError: the run failed; the output has its message.
        KeyboardInterrupt: it was interrupted.
    """
    target = f"--out={folder}" if words[0] == "init" else f"config.CHECKPOINT.DIR={quoted(folder)}"
    with folder_lock(folder, wait=True) as lock, open(log, "a") if log else nullcontext() as output:
        if finished(folder):  # by the process that held the lock
            return
        # The run holds the lock too: should this process be killed, nobody starts a second one before it has ended.
        status = (start or start_process)([*words, target], lock, output)
    if status in (-signal.SIGINT, 130):
        raise KeyboardInterrupt
    if status or not finished(folder):
        message = f": {_last_message(log)}" if log else ", its message is above"
        how = "failed" if status >= 0 else f"was killed by {signal.Signals(-status).name}"
        raise MonoImageError(f"{folder.name} {how}{message}; the same command tries again")


def start_process(words: Sequence[str], lock: int, output: IO[str] | None, threads: int | None = None) -> int:
    """Run `monoimage WORDS` in a process of its own and return its exit status.

    Args:
        words: the command line.
        lock: descriptor of the lock on its folder, which it holds too.
        output: where it prints to; None for this process's console.
        threads: of torch; None leaves their number to the run.
    """
    own = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    command = [sys.executable, "-m", "vissl_monoimage", *words]
    return run_child(command, {**os.environ, **own, INHERITED: str(lock)}, (lock,), output)


def run_chain(
    chain: Chain, threads: int | None = None, on_finished: OnFinished | None = None, client: ProbeClient | None = None
) -> str | None:
    """Run what is not finished of a chain, up to the first run that fails.

    Args:
        chain: the runs.
        threads: of torch, for each run.
        client: runs the probes and `monoimage init`; None starts one for this chain.
        on_finished: called with each run and its seconds when it has ended.

    Returns:
        What failed, in one sentence; None if all runs are finished.
    """
    if client is None:
        with ProbeClient(threads) as client:
            return run_chain(chain, threads, on_finished, client)
    try:
        for run in (run for run in chain.runs if not finished(run.folder)):
            began, weights = time.monotonic(), []
            if run.photos:
                run.photos.write()
            if chain.pretrain and run is not chain.pretrain:
                weights = [f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={quoted(_checkpoint(chain.pretrain))}"]
            words = [*run.verb, *run.overrides, *run.extra, *weights]
            forks = (run is not chain.pretrain or run.verb[0] == "init") and not torch.cuda.device_count()
            start = (
                functools.partial(_fork, client, run) if forks else functools.partial(start_process, threads=threads)
            )
            execute(run.folder, words, Path(f"{run.folder}.log"), start)
            if on_finished:
                on_finished(run, time.monotonic() - began)
    except MonoImageError as error:
        print(f"failed: {error}", flush=True)
        return str(error)
    return None


def run_all(chains: Sequence[Chain], jobs: int) -> list[str]:
    """Run chains side by side, `jobs` at a time, with the cores shared equally; return a sentence for each failure."""
    progress = Progress([run for chain in chains for run in chain.runs if not finished(run.folder)], jobs)
    threads = max(1, cores() // jobs)

    with ProbeClient(threads) as client, ThreadPoolExecutor(jobs) as pool:
        try:
            problems = pool.map(lambda chain: run_chain(chain, threads, progress.finish, client), chains)
            return [problem for problem in problems if problem]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def cores() -> int:
    """Return the number of cores this process may use: fewer than the machine's under `taskset` or in a SLURM job."""
    return len(os.sched_getaffinity(0))


def _fork(client: ProbeClient, run: Run, words: Sequence[str], lock: int, output: IO[str]) -> int:
    return client.run(words, run.image_folders, lock, output.fileno())


def _checkpoint(run: Run) -> Path:
    """Return the checkpoint of a finished pretraining, or of `monoimage init`."""
    name = "checkpoint.torch" if run.verb[0] == "init" else "model_final_checkpoint_*.torch"
    file = next(run.folder.glob(name), None)
    if file is None:
        raise MonoImageError(
            f"{run.folder} has a finished run but no longer its checkpoint: delete the folder to repeat it"
        )
    return file


def _last_message(log: Path) -> str:
    """Return the last message of a failed run, and where the rest is."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    own = [line.removeprefix("monoimage: ") for line in lines if line.startswith("monoimage: ")]
    return f"{(own or lines or ['it printed nothing'])[-1]} ({log})"
