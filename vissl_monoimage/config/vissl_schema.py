"""The types, ranges and choices of VISSL's keys. VISSL and Hydra check none of them.

The type of a key is that of its value in VISSL's defaults.yaml, but for the tables of `vissl_ranges`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.schema import as_written, fits, spell
from vissl_monoimage.config.vissl_ranges import CHOICES, ELSEWHERE, RANGES, TYPES, Range
from vissl_monoimage.errors import nearest


def key_problems(settings: Settings, defaults: Settings, path: str = "", whole: bool = True) -> Iterator[str]:
    """Yield a sentence for each key that has a value of a wrong type or out of range.

    Args:
        settings: a block of the configuration.
        defaults: the same block in VISSL's defaults.yaml.
        path: of the block below `config`, with a dot at its end.
        whole: whether a key that is missing is a problem too.
    """
    for key, default in defaults.items():
        place, block = path + key, isinstance(default, dict) and bool(default)
        if key not in settings:
            if whole:
                yield f"config.{place} is missing: VISSL's own value is {as_written(default)}"
        elif block and isinstance(settings[key], dict):
            yield from key_problems(settings[key], default, f"{place}.", whole)
        elif block:
            keys = ", ".join(list(default)[:4])
            yield f"config.{place}={as_written(settings[key])} must be a mapping with {keys} and the like"
        elif not _is_elsewhere(place):
            yield from value_problems(place, settings[key], default)


def value_problems(place: str, value: Any, default: Any) -> Iterator[str]:
    """Yield what is wrong with the value of one key, if anything; `default` is VISSL's own value of it."""
    stated, limits, choices = _entries(place)
    wanted = _type_of(default) if stated is None else stated
    written, numbers = f"config.{place}={as_written(value)}", value if isinstance(value, list) else [value]
    if choices:
        if value not in choices:
            close = nearest(str(value), choices)
            yield f"{written} must be {' or '.join(choices)}" + (f": did you mean '{close}'?" if close else "")
    elif not fits(value, wanted) or (limits and not all(map(limits.holds, numbers))):
        yield f"{written} must be {spell(wanted)}{f' {limits}' if limits else ''}"
    elif wanted in (float, list[float]) and not all(map(math.isfinite, numbers)):
        yield f"{written} must be {spell(wanted)}, and finite"


@functools.cache
def _entries(place: str) -> tuple[Any, Range | None, tuple[str, ...] | None]:
    """Return the entries of the first pattern that `place` fits in `TYPES`, `RANGES` and `CHOICES`."""
    tables: tuple[dict[str, Any], ...] = (TYPES, RANGES, CHOICES)
    stated, limits, choices = (
        next((entry for pattern, entry in table.items() if fnmatchcase(place, pattern)), None) for table in tables
    )
    return stated, limits, choices


@functools.cache
def _is_elsewhere(place: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in ELSEWHERE)


def _type_of(value: Any) -> Any:
    """Return the type that VISSL's own value of a key stands for; it says nothing where it is null."""
    if value is None:
        return Any
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        lists: dict[Any, Any] = {frozenset({kind}): list[kind] for kind in (int, float, str)}  # type: ignore[valid-type]
        return {**lists, frozenset({int, float}): list[float]}.get(frozenset(kinds), list)
    return Mapping if isinstance(value, dict) else type(value)
