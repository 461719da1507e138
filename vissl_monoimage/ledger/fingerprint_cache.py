"""Fingerprints of folders that were hashed before, remembered by the path, size and time of each of their files.

They are in `vissl_monoimage/fingerprints.jsonl` in the user's cache folder ($XDG_CACHE_HOME, or ~/.cache).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.fingerprint import Fingerprint, Labelled, files_fingerprint
from vissl_monoimage.utils import jsonl

_VERSION = 1  # of the fingerprint's definition
_SETTLED = 2_000_000_000  # ns: a file changed twice within one tick of the file system's clock has one time


_remembers = ContextVar("remembers", default=True)


@contextlib.contextmanager
def nothing_remembered() -> Iterator[None]:
    """Hash every file within the block: damage leaves size and time of a file as they were."""
    before = _remembers.set(False)
    try:
        yield
    finally:
        _remembers.reset(before)


def remembered_fingerprint(root: Path, files: Sequence[Labelled]) -> tuple[Fingerprint, str]:
    """Return the fingerprint of the files, hashed where they are not remembered, and the `listing` it belongs to.

    Raises:
        OSError: a file cannot be read.
    """
    listed, newest = listing(root, files)
    for known in reversed(_known() if _remembers.get() else []):
        if known["listing"] == listed:
            return Fingerprint(known["sha256"], known["sampled"]), listed
    settled = newest < time.time_ns() - _SETTLED
    fingerprint = files_fingerprint(root, files)
    if settled and listing(root, files)[0] == listed:
        with contextlib.suppress(MonoImageError):  # a cache folder that cannot be written costs time alone
            jsonl.append(_cache_file(), {"listing": listed, **dataclasses.asdict(fingerprint)})
    return fingerprint, listed


def listing(root: Path, files: Sequence[Labelled]) -> tuple[str, int]:
    """Return a hash of the path, class, size and time of change of each file, and the latest of these times in ns.

    Raises:
        OSError: a file is missing.
    """
    digest, newest = hashlib.sha256(f"{_VERSION}\0{root.resolve()}\n".encode("utf-8", "surrogateescape")), 0
    for relative, label in files:
        status = os.stat(root / relative)
        newest = max(newest, status.st_mtime_ns)
        line = f"{relative}\0{label}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest(), newest


def _known() -> list[dict[str, Any]]:
    try:
        lines = jsonl.read(_cache_file()).values()
    except MonoImageError:
        return []
    return [line for line in lines if isinstance(line, dict) and line.keys() == {"listing", "sha256", "sampled"}]


def _cache_file() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder, "vissl_monoimage", "fingerprints.jsonl")
