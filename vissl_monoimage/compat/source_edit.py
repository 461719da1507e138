"""Change VISSL's functions in memory: a single expression inside one, or the whole."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any


def edit(function: Callable[..., Any], *replacements: tuple[str, str]) -> bool:
    """Recompile `function` with each `(pattern, text)` substituted in its source; False where none was found.

    For a line in the middle of a long function, which can otherwise only be changed by copying it. The code
    object is swapped in place, so that every name already bound to the function sees the change. Line numbers
    and file name stay VISSL's. Names in the new text must be known where the function is defined.

    Args:
        function: a Python function, or a method as `vars(cls)[name]` or `cls.name` gives it.
        replacements: regular expressions (`re.sub`) and what replaces each of their matches.
    """
    import inspect  # here, for `import vissl_monoimage` to be quick

    while hasattr(function, "__wrapped__"):  # static and class methods, decorators
        function = function.__wrapped__
    function = getattr(function, "__func__", function)
    original: CodeType = function.__code__
    lines, first = inspect.getsourcelines(function)
    source = textwrap.dedent("".join(lines))
    edited = source
    for pattern, text in replacements:
        edited = re.sub(pattern, text, edited)
    if edited == source:
        return False
    # In a class, so that a zero-argument super() finds its cell; `_` so that no private name is mangled.
    module = "\n" * (first - 2) + "class _:\n" + textwrap.indent(edited, "    ")
    code = compile(module, original.co_filename, "exec", dont_inherit=True)
    function.__code__ = _find(_find(code, "_"), original.co_name)
    return True


def _find(code: CodeType, name: str) -> CodeType:
    return next(found for found in code.co_consts if isinstance(found, CodeType) and found.co_name == name)


def original(owner: Any, name: str) -> Any:
    """The attribute as VISSL defined it, also where `replace` put ours in its place already."""
    return getattr(getattr(owner, name), "monoimage_original", getattr(owner, name))


def replace(owner: Any, name: str, function: Any) -> None:
    """Put `function` in the place of an attribute of a module or class, and VISSL's own in its keeping."""
    function.monoimage_original = original(owner, name)
    setattr(owner, name, function)
