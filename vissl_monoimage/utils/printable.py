"""Text that cannot steer a terminal."""

from __future__ import annotations

_KEPT = "\n\t"


def printable(text: str) -> str:
    r"""Return `text` with control characters, such as those in a file's name, spelled out: `\x1b` for an escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _KEPT else ascii(character)[1:-1] for character in text
    )
