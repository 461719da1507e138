"""Processes that a run starts end with the one that started them, and are left alone by signals meant for the run.

A terminal sends Ctrl-C to all processes of a command, and SLURM its signals to all processes of a job: the main process
decides what they mean.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import Any

LEFT_TO_MAIN = (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that children of a run ignore."""


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended; in the main process do nothing.

    Ctrl-C and the signals of a SLURM job are left to the main process.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        for number in LEFT_TO_MAIN:
            signal.signal(number, signal.SIG_IGN)
        threading.Thread(target=_kill_after, args=(parent,), daemon=True).start()


def work_for_parent() -> None:
    """In a worker, do as `end_with_parent`, and end at SIGTERM only where the parent process sends it.

    A step under way needs its workers until its end. To be called before the process starts threads.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # so that the thread alone receives it
        threading.Thread(target=_end_when_asked_by, args=(parent.pid,), daemon=True).start()
    end_with_parent()


def _kill_after(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _end_when_asked_by(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


ALL = (end_with_parent, work_for_parent)
