"""The results ledger: one JSON line a finished run. Every table and figure is made from these rows.

A ledger only grows. Rows are appended under a lock, so that runs side by side can share a file; a line that a
killed process left half-written is reported and skipped. A run finished twice (resumed, or run again in the
same folder) has one `run_id`, and the row that finished last counts.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write

FILE_NAME = "ledger.jsonl"
KINDS = ("pretrain", "probe")
_BEGIN = '{"run_id"'  # of every line


@dataclasses.dataclass(frozen=True)
class Row:
    """One finished run. Accuracies are percentages, `wall_s` seconds, `losses` [iteration, loss or null]."""

    run_id: str
    kind: str
    name: str
    command: str
    finished: str
    git_sha: str | None
    config_hash: str
    group_hash: str
    method: str
    trunk: str
    protocol: str | None
    protocol_changes: list[str]
    dataset: str
    images: list[dict[str, Any]]
    recipe: dict[str, Any]
    seed: int
    versions: dict[str, str]
    device: str
    wall_s: float
    iterations: int
    checkpoint_in: str | None
    checkpoint_in_sha256: str | None
    checkpoint_out: str | None
    checkpoint_out_sha256: str | None
    losses: list[list[Any]]
    accuracies: dict[str, dict[str, float]]
    pretext: dict[str, Any]

    @property
    def experiment(self) -> str:
        """A hash that is the same for the runs of one experiment: `group_hash`, and what is in a photo that was named.

        For `group_hash` knows a photo by its file name. Images drawn from a data set, others for each seed, are not
        named in the command.
        """
        name = Path(self.images[0].get("path", "")).name if len(self.images) == 1 else ""
        if not name or name not in self.command:
            return self.group_hash
        return hashlib.sha256(f"{self.group_hash} {self.images[0]['sha256']}".encode()).hexdigest()

    def problems(self) -> list[str]:
        """What `schema.read_block` cannot see from the types alone."""
        found = [] if self.kind in KINDS else [f"kind={self.kind!r} must be one of {', '.join(KINDS)}"]
        for layer, scores in self.accuracies.items():
            bad = not isinstance(scores, dict) or any(not _is_percentage(value) for value in scores.values())
            found += [f"accuracies: {layer} must map top_k to percentages, not {scores!r}"] if bad else []
        if any(not isinstance(point, list) or len(point) != 2 for point in self.losses):
            found.append("losses must be pairs [iteration, loss]")
        return found


def append(path: str | Path, row: Row) -> None:
    """Add `row` to the ledger at `path`, creating it and its folder where needed.

    Raises:
        MonoImageError: if the file cannot be written.
    """
    line = json.dumps(dataclasses.asdict(row), separators=(",", ":")) + "\n"
    append_text(path, line)


def append_text(path: str | Path, text: str) -> None:
    """Append whole lines under an exclusive lock; a torn last line is ended first, so that it stays alone."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        raise MonoImageError(f"cannot write the ledger '{path}': {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        data = ("\n" if torn else "").encode() + text.encode()
        while data:
            data = data[os.write(handle, data) :]
    except OSError as error:
        raise MonoImageError(f"cannot write the ledger '{path}': {error.strerror}") from error
    finally:
        os.close(handle)


def replace_text(path: str | Path, text: str) -> None:
    """Write a whole file at once: a reader, or a kill, sees the old text or the new, never a part."""
    with atomic_write(Path(path)) as part:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")


def read(paths: Iterable[str | Path], tell: Callable[[str], None] = warnings.warn) -> list[Row]:
    """All rows in ledger files and, recursively, in folders: the latest of each run, in finishing order.

    Half-written lines are skipped and reported through `tell`.

    Raises:
        MonoImageError: a path that is missing or unreadable, or a line that is no row, naming file and line.
    """
    latest: dict[str, Row] = {}
    for path in _files(paths):
        for row in _rows(path, tell):
            seen = latest.get(row.run_id)
            if seen is None or row.finished >= seen.finished:
                latest[row.run_id] = row
    return sorted(latest.values(), key=lambda row: row.finished)


def _files(paths: Iterable[str | Path]) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise MonoImageError(f"no such file or folder: '{path}'")
        for file in sorted(path.rglob(FILE_NAME)) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _rows(path: Path, tell: Callable[[str], None]) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8", errors="strict").split("\n")
    except OSError as error:
        raise MonoImageError(f"cannot read the ledger '{path}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MonoImageError(f"'{path}' is no ledger: not UTF-8 text") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            if not line.startswith(_BEGIN) and not _BEGIN.startswith(line):
                raise MonoImageError(f"{where}: not a ledger row (JSON): {error.msg}") from error
            tell(f"{where}: skipped a half-written row (its run was killed while writing)")
            continue
        rows.append(_row(values, where))
    return rows


def _row(values: Any, where: str) -> Row:
    if not isinstance(values, dict):
        raise MonoImageError(f"{where}: not a ledger row but a {type(values).__name__}")
    missing = [field.name for field in dataclasses.fields(Row) if field.name not in values]
    if missing:
        raise MonoImageError(f"{where}: not a ledger row, it lacks {', '.join(missing)}")
    return read_block(Row, values, where)


def _is_percentage(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100
