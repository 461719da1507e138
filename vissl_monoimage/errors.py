"""One kind of error for a user's mistake, and the sentences that help to correct it."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ESTALE)
"""What a disk or a network file system fails with: the end is a sentence, for the program made no mistake."""


class MonoImageError(Exception):
    """A mistake that the user can correct: the command line prints its message and exits with status 2."""


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice most similar to `name`, ignoring case, or None if none is similar."""
    by_lower = {choice.lower(): choice for choice in choices}
    matches = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def one_line(value: object) -> str:
    """Return the text of a value for a message, its line breaks spelled out."""
    return str(value).replace("\n", "\\n")


def unknown(kind: str, name: str, choices: Iterable[str]) -> str:
    """Return the sentence for an unknown name: of what kind it is, the nearest match, every valid choice."""
    valid = sorted(choices)
    close = nearest(name, valid)
    hint = f" did you mean '{close}'?" if close else ""
    return f"unknown {kind} '{one_line(name)}':{hint} valid: {', '.join(valid)}"
