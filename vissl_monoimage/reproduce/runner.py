"""Running what is not finished: a VISSL run a process, killed ones gone on with, none twice."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.reproduce.plan import Chain, Run
from vissl_monoimage.utils.paths import make_folder


def finished(folder: Path) -> Row | None:
    """The row of a run that has ended, or None."""
    file = folder / ledger.FILE_NAME
    rows = ledger.read([file]) if file.is_file() else []
    return rows[-1] if rows else None


def start(folder: Path, words: Sequence[str], log: Path | None = None, threads: int | None = None) -> None:
    """`monoimage run ...` or `init ...` into `folder`; its output goes on, or to `log`.

    A run goes on from its last checkpoint where it has one.

    Raises:
        MonoImageError: the run failed; its own message is in its output.
        KeyboardInterrupt: it was stopped.
    """
    command = [sys.executable, "-m", "vissl_monoimage", *words]
    environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    with _lock(folder) as lock, open(log, "a") if log else nullcontext() as output:
        if finished(folder):  # by whoever held the lock
            return
        if any(folder.glob("model_final_checkpoint_*.torch")):  # killed between it and its row
            command.append("config.CHECKPOINT.OVERWRITE_EXISTING=true")
        # The run holds the lock too: should this process be killed, nobody starts a second one beside it.
        command.append(f"--out={folder}" if words[0] == "init" else f"config.CHECKPOINT.DIR={quoted(folder)}")
        status = subprocess.run(command, env=environment, pass_fds=(lock,), stdout=output, stderr=output).returncode
    if status in (-signal.SIGINT, 130):
        raise KeyboardInterrupt
    if status or not finished(folder):
        said = f": {_last_words(log)}" if log else ", its message is above"
        how = "failed" if status >= 0 else f"was killed by {signal.Signals(-status).name}"
        raise MonoImageError(f"{folder.name} {how}{said}; the same command tries again")


def attempt(chain: Chain, threads: int | None = None, tell: Callable[[Run, float], None] | None = None) -> str | None:
    """Run what is not finished of a chain; what failed, in a sentence, or None. `tell` hears of each run's seconds."""
    try:
        _run_chain(chain, threads, tell)
    except MonoImageError as error:
        print(f"failed: {error}", flush=True)
        return str(error)
    return None


def _run_chain(chain: Chain, threads: int | None, tell: Callable[[Run, float], None] | None) -> None:
    for run in chain.runs:
        if finished(run.folder):
            continue
        began, weights = time.monotonic(), []
        if run.photos:
            run.photos.write()
        if chain.pretrain and run is not chain.pretrain:
            weights = [f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={quoted(_checkpoint(chain.pretrain))}"]
        start(run.folder, [*run.verb, *run.overrides, *run.place, *weights], Path(f"{run.folder}.log"), threads)
        if tell:
            tell(run, time.monotonic() - began)


def run_all(chains: Sequence[Chain], jobs: int) -> list[str]:
    """Run chains side by side, a core each where there are as many; returns what failed, a sentence each."""
    clock = Clock([run for chain in chains for run in chain.runs if not finished(run.folder)], jobs)
    threads = max(1, cores() // jobs)

    with ThreadPoolExecutor(jobs) as pool:
        try:
            told = pool.map(lambda chain: attempt(chain, threads, clock.tell), chains)
            return [problem for problem in told if problem]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def cores() -> int:
    """Those that this process may use: fewer than the machine has under `taskset` or in a SLURM job."""
    return len(os.sched_getaffinity(0))


class Clock:
    """Tells what is done and what is left: the minutes of the plan, scaled by how long its runs have taken so far."""

    def __init__(self, runs: Sequence[Run], jobs: int) -> None:
        self.total, self.jobs = len(runs), jobs
        self.left = sum(run.minutes for run in runs)
        self.done, self.planned, self.taken = 0, 0.0, 0.0

    def tell(self, run: Run, seconds: float) -> None:
        """A run has ended after `seconds`."""
        self.done, self.planned, self.taken = self.done + 1, self.planned + run.minutes, self.taken + seconds / 60
        self.left -= run.minutes
        pace = self.taken / self.planned if self.planned else 1.0
        print(
            f"[{self.done}/{self.total}] {run.title}: {spell(seconds / 60)}, "
            f"about {spell(self.left * pace / self.jobs)} left",
            flush=True,
        )


def spell(minutes: float) -> str:
    """2.5 -> `2 min 30 s`, 90 -> `1 h 30 min`."""
    seconds = round(minutes * 60)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Only one process runs a folder; another waits for it."""
    try:
        handle = os.open(make_folder(folder) / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise MonoImageError(f"cannot write {folder}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder.name} is being run by another process: waiting for it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _checkpoint(run: Run) -> Path:
    """What a finished pretraining left, or `monoimage init`."""
    name = "checkpoint.torch" if run.verb[0] == "init" else "model_final_checkpoint_*.torch"
    found = next(run.folder.glob(name), None)
    if found is None:
        raise MonoImageError(
            f"{run.folder} has a finished run but no longer its checkpoint: delete the folder to repeat it"
        )
    return found


def _last_words(log: Path) -> str:
    """What a failed run said last, and where the rest is."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    own = [line.removeprefix("monoimage: ") for line in lines if line.startswith("monoimage: ")]
    return f"{(own or lines or ['it said nothing'])[-1]} ({log})"
