"""One process at a time holds a folder, and the children that it passes its lock to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.folder_lock import INHERITED, folder_lock

HOLD = "import sys; from vissl_monoimage.utils.folder_lock import folder_lock\nwith folder_lock(sys.argv[1]): {}"


def hold_in_child(folder: Path, body: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Hold `folder` in a child process that runs `body` meanwhile."""
    command = [sys.executable, "-c", HOLD.format(body), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


def test_a_held_folder_is_refused_in_a_sentence_that_names_the_holder(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "new"):
        done = hold_in_child(tmp_path / "new", "pass")
    assert f"'{tmp_path / 'new'}' is in use by another run (process {os.getpid()} on " in done.stderr
    assert hold_in_child(tmp_path / "new", "pass").returncode == 0


def test_a_child_that_gets_the_lock_holds_it_too_and_for_its_own_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with folder_lock(tmp_path / "run") as lock:
        options = {"env": {**os.environ, INHERITED: str(lock)}, "pass_fds": (lock,)}
        assert hold_in_child(tmp_path / "run", "print('held')", **options).stdout == "held\n"
        with folder_lock(tmp_path / "other"):
            assert "is in use by another run" in hold_in_child(tmp_path / "other", "pass", **options).stderr


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    done = hold_in_child(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -9
    with folder_lock(tmp_path):
        pass


def test_waiting_takes_the_folder_when_the_other_run_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", HOLD.format(body), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(MonoImageError, match=f"process {holder.pid} on"), folder_lock(tmp_path):
            pass
        subprocess.Popen(["sh", "-c", f"sleep 0.5; kill {holder.pid}"])
        began = time.monotonic()
        with folder_lock(tmp_path, wait=True):
            assert time.monotonic() - began > 0.3
    assert "waiting until it ends" in capsys.readouterr().out
