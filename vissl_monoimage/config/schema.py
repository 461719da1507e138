"""Typed, validated reading of our own config blocks (everything under `config.MONOIMAGE`).

A block is a frozen dataclass whose fields have upper-case names, as everywhere in VISSL's YAMLs. `read_block` turns a
mapping into one, and reports every unknown key and wrong type at once. A block may define `problems(self) -> list[str]`
for ranges and combinations: one "KEY=value must ..." each, to which `read_block` adds the block's path.

OmegaConf's structured configs do not do: they stop at the first mistake, suggest no key, and turn "3" into 3 and 1 into
true where a mistake should be reported.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from vissl_monoimage.errors import MonoImageError, one_line, unknown

Block = TypeVar("Block")
LARGEST_SEED = 2**32 - 1
"""NumPy and scikit-learn take no larger one."""


def read_block(block_type: type[Block], values: Mapping[str, Any] | None, where: str) -> Block:
    """Build a `block_type` from `values`.

    Args:
        block_type: a dataclass, which may define `problems`.
        values: the block as plain containers; None for all defaults.
        where: the block's path in the configuration, for messages.

    Raises:
        MonoImageError: naming every unknown key and wrong type, or every value out of range.
    """
    values = dict(values or {})
    hints = typing.get_type_hints(block_type)
    names = [field.name for field in dataclasses.fields(block_type)]  # type: ignore[arg-type]
    problems = [f"{where}: {unknown('key', key, names)}" for key in values if key not in names]
    accepted: dict[str, Any] = {}
    for field in dataclasses.fields(block_type):  # type: ignore[arg-type]
        name = field.name
        if name not in values:
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if required and values.keys() <= set(names):  # a mistyped key may be the one that is missing
                problems.append(f"{where}.{name} is missing: it must be {spell(hints[name])}")
            continue
        value, wanted = values[name], hints[name]
        if not fits(value, wanted):
            problems.append(f"{where}.{name}={as_written(value)} must be {spell(wanted)}")
        else:
            accepted[name] = float(value) if wanted is float else value
    if problems:
        raise MonoImageError("; ".join(problems))
    block = block_type(**accepted)
    out_of_range: list[str] = getattr(block, "problems", list)()
    if out_of_range:
        raise MonoImageError("; ".join(f"{where}.{problem}" for problem in out_of_range))
    return block


def fits(value: Any, wanted: Any) -> bool:
    """Return whether `value` is of the type `wanted`; a bool is no number, and a whole number is a float."""
    if wanted is Any:
        return True
    if isinstance(wanted, types.UnionType):
        return any(fits(value, option) for option in typing.get_args(wanted))
    origin = typing.get_origin(wanted) or wanted
    if origin is float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and (isinstance(value, float) or abs(value) <= sys.float_info.max)
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin in (list, tuple):
        inner = typing.get_args(wanted)[:1] if origin is list else ()
        return isinstance(value, (list, tuple)) and all(fits(item, kind) for item in value for kind in inner)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping)
    return isinstance(value, origin)


def as_written(value: Any) -> str:
    """Return `value` as a YAML has it: null, true, 'text', [1, 'a']."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_written, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{one_line(key)}: {as_written(item)}' for key, item in value.items())}}}"
    return repr(value) if isinstance(value, str) else json.dumps(value, default=str)


def spell(wanted: Any) -> str:
    """Return the type `wanted` in words: a whole number, a list of names, a number or null."""
    if isinstance(wanted, types.UnionType):
        return " or ".join(spell(option) for option in typing.get_args(wanted))
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a name", type(None): "null"}
    origin = typing.get_origin(wanted) or wanted
    several = {int: "whole numbers", float: "numbers", str: "names", Mapping: "mappings"}
    inner = [typing.get_origin(kind) or kind for kind in typing.get_args(wanted)[:1] if origin is list]
    named = names.get(origin, f"a {getattr(origin, '__name__', origin)}")
    return "".join([named, *(f" of {several[kind]}" for kind in inner if kind in several)])
