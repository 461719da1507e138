"""Which writes of a run fail: the first and the last of each file, from the list of those of an undisturbed run."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("full", "error", "kill")
_PART = re.compile(r"/\.\d+-\d+-[-0-9a-f]+\.part$")  # of atomic_write: process, thread and hash of the name


@dataclass(frozen=True)
class Write:
    """The write number `number`, from 1, of all those to paths that match `pattern`.

    Attributes:
        file: what is written, under its final name, from the folder of the run.
        place: "first" or "last" of this file.
    """

    file: str
    place: str
    pattern: str
    number: int


def chosen_writes(log: Path, root: Path) -> Iterator[Write]:
    """Yield the first and the last write of each file, in the order in which the files were first written.

    Files of numbered names, such as crops, count as one. The renaming of a file is its last write.
    """
    counts: dict[str, int] = defaultdict(int)
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    parts: dict[str, list[int]] = defaultdict(list)  # those of a temporary file that has no final name yet
    ended: str | None = None
    for line in log.read_text().splitlines():
        operation, path = line.split("\t")
        if operation == "becomes":
            if ended and Path(path).is_relative_to(root):  # else it is git's, of its index
                numbers[_pattern(ended), _family(path, root)] += parts.pop(ended)
            continue
        pattern = _pattern(path)
        counts[pattern] += 1
        temporary = path.endswith(".part")
        (parts[path] if temporary else numbers[pattern, _family(path, root)]).append(counts[pattern])
        ended = path if temporary and operation == "rename" else None
    for (pattern, file), those in numbers.items():
        for place, number in {those[-1]: ("last", those[-1]), those[0]: ("first", those[0])}.values():
            yield Write(file, place, pattern, number)


def _pattern(path: str) -> str:
    """Return a glob of the path, and of those of the same role in another process."""
    escaped = re.sub(r"([][*?\\])", r"\\\1", path)
    escaped = _PART.sub("/.*-*-*.part", escaped)
    return re.sub(r"patch_\d+", "patch_*", escaped)


def _family(path: str, root: Path) -> str:
    return re.sub(r"patch_\d+", "patch_N", str(Path(path).relative_to(root)))
