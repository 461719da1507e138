"""Commands that a command has started, as `monoimage reproduce` starts its runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vissl_monoimage.compat import child_commands

CHILD = """
import os, pathlib, signal, sys, time
from vissl_monoimage.compat.child_commands import end_with_command
end_with_command()
def save(number, _):
    time.sleep(1)
    pathlib.Path("saved").write_text(signal.Signals(number).name)
    sys.exit(3)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, save)
assert "MONOIMAGE_PARENT_PIPE" not in os.environ  # or a command that this one starts would look for the pipe
print("started", flush=True)
time.sleep(float(sys.argv[1]))
"""
PARENT = """
import os, sys
from vissl_monoimage.compat import child_commands
child_commands._PATIENCE = 0.1  # it is not that of a command whose step takes long
print(child_commands.run_child([sys.executable, "-c", sys.argv[1], sys.argv[2]], os.environ, (), None), flush=True)
"""


def parent(seconds: float, folder: Path) -> subprocess.Popen[str]:
    """Start a command that starts another one, which sleeps so many seconds."""
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD, str(seconds)],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR2])
def test_a_command_is_asked_to_end_when_the_one_that_started_it_is_killed(tmp_path: Path, number: int) -> None:
    """SIGKILL is sent to the parent alone, SIGUSR2 to both, as SLURM does."""
    process = parent(60, tmp_path)
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    os.kill(process.pid, number) if number == signal.SIGKILL else os.killpg(process.pid, number)
    began = time.monotonic()
    assert process.stdout.read() == ""  # the end of the pipe that the child writes to as well
    assert time.monotonic() - began < 20
    assert (tmp_path / "saved").read_text() == "SIGTERM"
    process.wait()


def test_ctrl_c_leaves_the_command_the_time_to_save_its_step(tmp_path: Path) -> None:
    process = parent(60, tmp_path)
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    process.wait()
    assert process.stdout.read() == ""  # the command has ended before
    assert (tmp_path / "saved").read_text() == "SIGINT"


def test_a_second_ctrl_c_asks_the_command_again(tmp_path: Path) -> None:
    process = parent(60, tmp_path)
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    os.kill(process.pid, signal.SIGINT)  # unlike a terminal, to this process alone
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    os.kill(process.pid, signal.SIGINT)
    assert process.stdout.read() == ""
    assert (tmp_path / "saved").read_text() == "SIGTERM"
    process.wait()


def test_a_command_that_ends_by_itself_has_its_exit_status(tmp_path: Path) -> None:
    out, _ = parent(0, tmp_path).communicate()
    assert out == "started\n0\n"
    assert not (tmp_path / "saved").exists()


def test_a_process_that_serves_commands_leaves_the_signals_of_slurm_to_the_one_that_started_it() -> None:
    process = os.fork()
    if not process:
        child_commands.serve_commands()
        os.kill(os.getpid(), signal.SIGUSR2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
