"""Files of VISSL on a full disk, which /dev/full is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import vissl_monoimage  # noqa: F401  # before VISSL
from vissl_monoimage.compat.launch_errors import explain
from vissl_monoimage.compat.log_file import LogFile
from vissl_monoimage.errors import DISK_ERRORS, MonoImageError
from vissl_monoimage.utils.folder_lock import folder_lock

FULL = Path("/dev/full")
NO_SPACE = "No space left on device"
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="Linux alone has /dev/full")


@pytest.mark.parametrize("name", ["metrics.json", "features.npy", "config.yaml"])
def test_a_file_of_vissl_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    from vissl.utils.io import save_file

    (tmp_path / name).symlink_to(FULL)
    with pytest.raises(MonoImageError, match=rf"cannot write .*{name}: "):
        save_file({"epoch": 1} if "npy" not in name else [0.0] * 5000, str(tmp_path / name))


def test_a_log_ends_with_one_sentence_and_its_writer_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.txt").symlink_to(FULL)
    log = LogFile(str(tmp_path / "log.txt"), "a", 8192)
    for _ in range(3):
        log.write("a line\n")
        log.flush()
    log.close()
    log.close()
    assert capfd.readouterr().err == f"{tmp_path / 'log.txt'} ends here: {NO_SPACE}\n"


def test_both_logs_of_a_run_are_such_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from vissl.hooks.log_hooks import LogLossLrEtaHook
    from vissl.utils.logger import _cached_log_stream

    for name in ("log.txt", "stdout.json"):
        (tmp_path / name).symlink_to(FULL)
    for log in (_cached_log_stream(f"{tmp_path}/log.txt"), LogLossLrEtaHook(str(tmp_path)).json_stdout_logger):
        log.write("a line\n")
        log.close()
    said = capfd.readouterr().err.splitlines()
    assert [line.partition(" ends here: ")[2] for line in said] == [NO_SPACE] * 2


def test_a_lock_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(FULL)
    with pytest.raises(MonoImageError, match=r"cannot write .*lock"), folder_lock(tmp_path):
        pytest.fail("it holds the folder")


@pytest.mark.parametrize("number", DISK_ERRORS)
def test_whatever_a_disk_fails_with_is_a_sentence(number: int) -> None:
    error = OSError(number, os.strerror(number), "x")
    of_a_rank = RuntimeError(f"Process 0 terminated\nTraceback (most recent call last):\nOSError: {error}")
    for raised in (error, of_a_rank):
        assert str(explain(raised)).startswith(f"cannot write 'x': {os.strerror(number)}; the same command continues")
