"""A lock on a folder, so that two runs never write into it at the same time."""

from __future__ import annotations

import fcntl
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.paths import make_folder

FILE_NAME = "lock"
INHERITED = "MONOIMAGE_FOLDER_LOCK"
"""Environment variable by which a child process finds the descriptor of a lock that its parent passed on."""


@contextmanager
def folder_lock(folder: str | Path, *, wait: bool = False) -> Iterator[int]:
    """Hold `folder` until the block ends or this process does; the folder is created where needed.

    Yields the descriptor of the lock. A child process that gets it (`pass_fds`, with its number in `INHERITED`) holds
    the lock as well, and its own `folder_lock` of this folder succeeds at once.

    Args:
        folder: the folder to hold.
        wait: whether to wait for another process that holds the folder, or to raise.

    Raises:
        MonoImageError: another process holds the folder, or it cannot be written.
    """
    file = make_folder(folder) / FILE_NAME
    inherited = _inherited(file)
    if inherited is not None:
        yield inherited
        return
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise MonoImageError(f"'{folder}' cannot be written: {error.strerror}") from None
    try:
        _acquire(handle, folder, wait)
        _note_holder(handle, file)
        yield handle
    finally:
        os.close(handle)


def _note_holder(handle: int, file: Path) -> None:
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {platform.node()}".encode(), 0)
    except OSError as error:
        raise MonoImageError(f"cannot write {file}: {error.strerror}") from None


def _acquire(handle: int, folder: str | Path, wait: bool) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
        if not wait:
            raise MonoImageError(
                f"'{folder}' is in use by another run ({holder}): wait until it ends, or choose another folder"
            ) from None
        print(f"'{folder}' is in use by another run ({holder}): waiting until it ends", flush=True)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:  # a network file system without locks
        print(
            f"'{folder}' cannot be locked ({error.strerror}): start no second run in this folder at the same time",
            file=sys.stderr,
        )


def _inherited(file: Path) -> int | None:
    """Return the descriptor that the parent process passed on, if it is of this lock file."""
    with suppress(KeyError, ValueError, OSError):
        handle = int(os.environ[INHERITED])
        if os.path.samestat(os.fstat(handle), file.stat()):
            return handle
    return None
