"""The results ledger: a JSON line for each finished run. Every table and figure is made from these rows.

A ledger only grows. Rows are appended under a lock, so that runs side by side can share a file; a line that a
killed process left half-written is reported and skipped. A run finished twice (resumed, or run again in the
same folder) has one `run_id`, and the row that finished last counts.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row, read_row
from vissl_monoimage.utils import jsonl

FILE_NAME = "ledger.jsonl"


def append(path: str | Path, row: Row) -> None:
    """Append `row` to the ledger at `path`; it is on the disk when this returns.

    Raises:
        MonoImageError: the file cannot be written.
    """
    jsonl.append(path, dataclasses.asdict(row), durable=True)


def read(paths: Iterable[str | Path], warn: Callable[[str], None] = warnings.warn) -> list[Row]:
    """Read ledger files and, recursively, folders: return the latest row of each run, in finishing order.

    Lines that are no row are skipped, and so is a ledger found in a folder that cannot be read.

    Args:
        paths: ledger files, and folders with a `ledger.jsonl` somewhere below them.
        warn: called with one sentence for each thing skipped, which names file and line and says why.

    Raises:
        MonoImageError: one of `paths` is missing, or is a file that cannot be read.
    """
    latest: dict[str, Row] = {}
    for file, named in _files(paths).items():
        for row in _rows(file, named, warn):
            seen = latest.get(row.run_id)
            if seen is None or row.finished >= seen.finished:
                latest[row.run_id] = row
    return sorted(latest.values(), key=lambda row: row.finished)


@functools.cache
def print_note(note: str) -> None:
    """Print a sentence on stderr, once in a process: `warn` for commands that read a ledger again and again."""
    print(f"monoimage: {note}", file=sys.stderr, flush=True)


def _files(paths: Iterable[str | Path]) -> dict[Path, bool]:
    """Return the ledger files, each once, and for each whether it is one of `paths` itself."""
    files: dict[Path, tuple[Path, bool]] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise MonoImageError(f"no such file or folder: '{path}'")
        for file in sorted(path.rglob(FILE_NAME)) if path.is_dir() else [path]:
            files.setdefault(file.resolve(), (file, file is path))
    return dict(files.values())


def _rows(file: Path, named: bool, warn: Callable[[str], None]) -> list[Row]:
    problems: dict[int, object] = {}
    try:
        lines = jsonl.read(file, problems.__setitem__)
    except MonoImageError as error:
        if named:
            raise
        warn(f"skipped: {error}")
        return []
    rows = []
    for number, values in lines.items():
        try:
            rows.append(read_row(values))
        except MonoImageError as error:
            problems[number] = error
    for number, problem in sorted(problems.items()):
        warn(f"{file}, line {number}: skipped, not a ledger row: {problem}")
    return rows
