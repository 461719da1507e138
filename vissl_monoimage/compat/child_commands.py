"""Commands that `monoimage reproduce` and `monoimage demo` start: they end with them, however those end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

PARENT_PIPE = "MONOIMAGE_PARENT_PIPE"
"""Environment variable with the descriptor of a pipe that nobody but the parent can write to."""
_PATIENCE = 120.0  # seconds for a step and its checkpoint
_interrupted = False


def run_child(
    command: Sequence[str], environment: Mapping[str, str], pass_fds: Sequence[int], output: IO[str] | None
) -> int:
    """Run a `monoimage` command that is asked to end when this process does, and return its exit status.

    Args:
        command: the words.
        environment: of the command.
        pass_fds: descriptors that it inherits.
        output: file for its output and its errors; None leaves them on the console.

    Raises:
        KeyboardInterrupt: after Ctrl-C, when the command has ended; at once after a second one, at which it is asked
            again.
    """
    with parent_pipe() as reader:
        process = subprocess.Popen(
            command,
            env={**environment, PARENT_PIPE: str(reader)},
            pass_fds=(*pass_fds, reader),
            stdout=output,
            stderr=output,
        )
        try:
            return process.wait()
        except KeyboardInterrupt:  # which a terminal has sent to the command as well
            process.wait()
            raise


@contextlib.contextmanager
def parent_pipe() -> Iterator[int]:
    """Yield the descriptor that a command has to inherit in order to end when this process or the block does."""
    reader, writer = os.pipe()
    try:
        yield reader
    finally:
        os.close(reader)
        os.close(writer)


def end_with_command() -> None:
    """In a command that `run_child` has started, end as at SIGTERM when the process that started it has ended.

    The other signals that SLURM sends to all processes of a job are left to that process.
    """
    reader = os.environ.pop(PARENT_PIPE, None)
    if reader is not None:
        _leave_slurm_signals()
        threading.Thread(target=_terminate_after, args=(int(reader),), daemon=True).start()


def serve_commands() -> None:
    """Leave Ctrl-C, which a terminal sends to all processes of a command, to the forks of this process.

    After it `fork_command` starts no more: the command that asks for them is ending. Signals of SLURM are left to that
    command.
    """
    _leave_slurm_signals()
    signal.signal(signal.SIGINT, _note_interrupt)


def fork_command() -> int | None:
    """Fork a process that serves commands, and return what `os.fork` does; return None if Ctrl-C has come.

    In the fork Ctrl-C waits for `become_command`.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process = None if _interrupted else os.fork()
    if process != 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return process


def become_command(environment: Mapping[str, str]) -> None:
    """In a fork of a process that serves commands, add to the environment, and end at Ctrl-C again."""
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _leave_slurm_signals() -> None:
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)


def _note_interrupt(*_: object) -> None:
    global _interrupted
    _interrupted = True


def _terminate_after(reader: int) -> None:
    os.read(reader, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)


ALL = (end_with_command, serve_commands, fork_command, become_command)
