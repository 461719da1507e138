"""Quotes in Hydra's override grammar: for paths that we write, and as advice for overrides that cannot be read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

_PLAIN = re.compile(r"[A-Za-z./_-][\w./-]*", re.ASCII)
_WORDS = {"null", "true", "false", "nan", "inf", "yes", "no", "on", "off"}  # read as something else than text


def quoted(value: str | Path, quote: str = "'") -> str:
    """Return a path as Hydra's override grammar takes it: in quotes unless it can only be read as text."""
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower().lstrip("-") not in _WORDS:
        return text
    # A backslash is itself, except before a quote and at the end.
    escaped = re.sub(rf"(\\*)({quote}|\Z)", lambda found: found[1] * 2 + (f"\\{quote}" if found[2] else ""), text)
    return f"{quote}{escaped}{quote}"


def advice(overrides: Sequence[str]) -> str | None:
    """Return how to write the first override that cannot be read, None where quotes do not make it readable.

    An override whose value has a space comes in several pieces where the shell saw no quotes.
    """
    for index, override in enumerate(overrides):
        pieces = [override, *_rest(override, overrides[index + 1 :])]
        if len(pieces) == 1 and _readable(override):
            continue
        key, equals, value = " ".join(pieces).partition("=")
        better = f"{key}={_with_quotes(value)}"
        closed = value.strip().startswith("[") == value.strip().endswith("]")
        if key and equals and closed and _readable(better):
            return (
                f"cannot read {' '.join(pieces)}: a value with other characters than letters from a to z, digits and "
                f"./_- goes into quotes, and the whole into another pair for the shell: write {shlex.quote(better)}"
            )
        return None
    return None


def _rest(override: str, following: Sequence[str]) -> Iterator[str]:
    """Yield the arguments that belong to the value of `override`: they name no key themselves."""
    if "=" in override and not override.startswith(("~", "-")):
        for piece in following:
            if "=" in piece or piece.startswith(("config.", "+", "~", "-")):
                return
            yield piece


def _readable(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True


def _with_quotes(value: str) -> str:
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        return f"[{','.join(_with_quotes(item) for item in _items(value[1:-1]))}]"
    if value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1:
        value = value[1:-1]
    return quoted(value, '"')


def _items(text: str) -> list[str]:
    """Split at the commas that are in no brackets and no quotes."""
    items, depth, quote = [""], 0, ""
    for character in text:
        if quote or character in "'\"":
            quote = "" if character == quote else quote or character
        depth += {"[": 1, "]": -1}.get(character, 0) if not quote else 0
        if character == "," and not depth and not quote:
            items.append("")
        else:
            items[-1] += character
    return items
