"""A `monoimage` command in a fork of this process, which has imported what a run needs; and its death."""

from __future__ import annotations

import atexit
import os
import runpy
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LIMIT = 3600.0  # seconds that a run may take
CHILDREN_END = 120.0  # seconds; on a quiet machine two are enough, and what is left after these never ends


@contextmanager
def work_folder(given: Path | None, prefix: str) -> Iterator[Path]:
    """Yield `given`, or a temporary folder that is removed in the end.

    Not a `TemporaryDirectory`: each command is a fork, at whose exit that would remove the folder under this process.
    """
    if given:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(words: Sequence[str], folder: Path) -> int:
    """Start `monoimage WORDS` in `folder`, as the leader of a process group; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        for number, name in enumerate((os.devnull, "stdout", "stderr")):
            os.dup2(os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644), number)
        os.chdir(folder)
        sys.argv[1:] = words
        runpy.run_module("vissl_monoimage", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # and no more: to free what is shared with this process would take seconds
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(pid: int, seconds: float = LIMIT) -> int | None:
    """Return the exit status of a command, or None if it is still running after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.001)


def kill(pid: int, main_only: bool) -> float:
    """Kill a command, its group or the main process alone; return the seconds until all of the group were gone."""
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL) if main_only else os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while _living(pid) and time.monotonic() - began < CHILDREN_END:
        time.sleep(0.01)
    return time.monotonic() - began


def _living(group: int) -> bool:
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = entry.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has ended meanwhile
            continue
        if int(process_group) == group and state != "Z":
            return True
    return False
