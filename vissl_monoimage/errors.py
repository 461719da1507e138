"""One kind of error for a user's mistake, and the sentence that helps them mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MonoImageError(Exception):
    """A mistake the user can mend: the command line prints its message alone and exits with 2."""


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice most like `name` (case ignored), or None where nothing is close."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def unknown(kind: str, name: str, choices: Iterable[str]) -> str:
    """The sentence for a name that is not there: what, the nearest match, every valid choice."""
    valid = sorted(choices)
    close = nearest(name, valid)
    hint = f" did you mean '{close}'?" if close else ""
    return f"unknown {kind} '{name}':{hint} valid: {', '.join(valid)}"
