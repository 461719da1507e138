"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from vissl_monoimage.errors import MonoImageError


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a path to write to; its file replaces `path` when the block ends, and is removed if the block fails.

    A reader sees the old file or the new one, never a part, even after a kill or a power loss: the new file is on the
    disk before it is renamed.

    Raises:
        MonoImageError: the file cannot be written.
    """
    # VISSL takes any file with `model_final` in its name for a finished run's, so the name of the file is not in it.
    part = path.with_name(f".{os.getpid()}-{threading.get_ident()}-{hash(path.name):x}.part")
    try:
        yield part
        _flush(part)
        os.replace(part, path)
    except OSError as error:
        raise MonoImageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def replace_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file as `atomic_write` does, and its folder where needed.

    Raises:
        MonoImageError: the file cannot be written.
    """
    with atomic_write(Path(path)) as part:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")


def remove_parts(folder: Path) -> None:
    """Remove from a folder, and the folders in it, what `atomic_write` left there in processes that were killed."""
    for part in (*folder.glob(".*.part"), *folder.glob("*/.*.part")):
        pid = part.name[1:].split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            with contextlib.suppress(OSError):
                part.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
