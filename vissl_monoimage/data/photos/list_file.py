"""Lists of photos: text files with an entry in each line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import read_bytes
from vissl_monoimage.errors import MonoImageError


def read_list(file: Path) -> Iterator[tuple[int, str | Path]]:
    """Yield (line number, entry) for each line of a list that is not empty or a comment.

    An entry is a name of the catalog or a path, relative to the list. A '#' that begins the line or follows a space
    starts a comment, unless the file name with the '#' exists.

    Raises:
        MonoImageError: the file cannot be read as text.
    """
    for number, line in enumerate(_text(file).splitlines(), 1):
        if entry := _entry(line.strip(), file.parent):
            yield number, entry


def _entry(line: str, folder: Path) -> str | Path | None:
    """Return the entry of a line: the longest part of it before a comment that exists, else the shortest."""
    candidates = [line[: sharp.start()].rstrip() for sharp in re.finditer(r"(?:^|(?<=\s))#", line)]
    for candidate in filter(None, [line, *reversed(candidates)]):
        if candidate in CATALOG:
            return candidate
        if (path := folder / Path(candidate).expanduser()).exists():
            return path
    shortest = candidates[0] if candidates else line
    return folder / Path(shortest).expanduser() if shortest else None


def _text(file: Path) -> str:
    content = read_bytes(file)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise MonoImageError(f"list {file} is not UTF-8 text: {error.reason} at byte {error.start}") from None
