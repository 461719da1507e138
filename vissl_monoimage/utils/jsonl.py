"""Files of JSON lines that survive kills and power losses: every run appends to some, and every report reads them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import replace_text

OnBroken = Callable[[int, str], None]


def append(path: str | Path, value: Any, *, durable: bool = False) -> None:
    """Append `value` as one line.

    The file and its folder are created where needed. Processes that append at the same time take turns. A last line
    that a kill cut short is ended first, so that it spoils no other line.

    Args:
        path: the file.
        value: anything that JSON can hold.
        durable: whether the line must be on the disk when this returns, which takes milliseconds. Without it the line
            survives a kill of this process, and may be lost with the power.

    Raises:
        MonoImageError: the file cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _write_line(handle, line(value))
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise MonoImageError(f"cannot write '{path}': {error.strerror}") from error


def check_writable(path: str | Path) -> None:
    """Create the file and its folder where needed, and change nothing else.

    Raises:
        MonoImageError: the file cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644))
    except OSError as error:
        raise MonoImageError(f"cannot write '{path}': {error.strerror}") from error


def read(path: str | Path, on_broken: OnBroken = lambda number, problem: None) -> dict[int, Any]:
    """Return the values in the file by line number, counted from 1.

    Empty lines are skipped, and so are lines that cannot be read: those that a kill cut short, and those that are no
    UTF-8 or no JSON. NUL bytes around a value, which a power loss leaves, are ignored.

    Args:
        path: the file.
        on_broken: called with the number of each line that cannot be read and what is wrong with it.

    Raises:
        MonoImageError: the file is missing or cannot be read.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise MonoImageError(f"cannot read '{path}': {error.strerror}") from error
    values = {}
    for number, content in enumerate(lines, start=1):
        if not content.strip():
            continue
        try:
            values[number] = json.loads(content.strip(b"\0 \r").decode())
        except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
            on_broken(number, "only NUL bytes" if not content.strip(b"\0") else str(error))
    return values


def cut(path: str | Path, keep: Callable[[Any], bool]) -> list[Any]:
    """Rewrite the file with the values for which `keep` holds, and return these; a missing file stays missing.

    For a run that resumes at a checkpoint: what was recorded after it is recorded again. Lines that cannot be read
    are dropped, and so are values on which `keep` raises a TypeError, LookupError or ValueError.

    Raises:
        MonoImageError: the file cannot be read or written.
    """
    if not Path(path).exists():
        return []
    kept = [value for value in read(path).values() if _holds(keep, value)]
    replace_text(path, "".join(map(line, kept)))
    return kept


def line(value: Any) -> str:
    """Return `value` as one line of JSON, with its newline."""
    return json.dumps(value, separators=(",", ":")) + "\n"


def _write_line(handle: int, text: str) -> None:
    size = os.fstat(handle).st_size
    torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
    data = ("\n" if torn else "").encode() + text.encode()
    try:
        while data:
            data = data[os.write(handle, data) :]
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, size)  # on a full disk half of the line may be there; nobody else has written since
        raise


def _holds(keep: Callable[[Any], bool], value: Any) -> bool:
    try:
        return keep(value)
    except (TypeError, LookupError, ValueError):
        return False
