"""Change VISSL's functions in memory: an expression inside one, or the whole.

Nothing is written to VISSL's files. What is to be changed and is not there raises `CompatibilityError`: a version of
VISSL that this package does not know must not run half adapted.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

from vissl_monoimage.errors import MonoImageError

VISSL_VERSION = "0.1.6"


class CompatibilityError(MonoImageError):
    """A name or a line that this package relies on is not in the VISSL that is installed."""


def edit(function: Callable[..., Any], *replacements: tuple[str, str]) -> None:
    """Recompile `function` with every `(pattern, text)` substituted in its source.

    For a line in the middle of a long function, which can otherwise only be changed by copying it. The code
    object is swapped in place, so that every name already bound to the function sees the change. Line numbers
    and file name stay VISSL's. Names in the new text must be known where the function is defined.

    Args:
        function: a Python function, or a method as `vars(cls)[name]` or `cls.name` gives it.
        replacements: regular expressions (`re.sub`) and what replaces each of their matches.

    Raises:
        CompatibilityError: a pattern is not in the source.
    """
    import inspect  # here, for `import vissl_monoimage` to be quick

    while hasattr(function, "__wrapped__"):  # static and class methods, decorators
        function = function.__wrapped__
    function = getattr(function, "__func__", function)
    if vars(function).setdefault("monoimage_edits", replacements) != replacements:
        raise ValueError(f"{function.__qualname__} is edited twice, and the second edit would undo the first")
    code: CodeType = function.__code__
    lines, first = inspect.getsourcelines(function)
    source = textwrap.dedent("".join(lines))
    for pattern, text in replacements:
        source, count = re.subn(pattern, text, source)
        if not count:
            missing = f"has nothing that matches '{pattern}' in `{function.__qualname__}`"
            raise CompatibilityError(_sentence(sys.modules.get(function.__module__), missing))
    # In a class, so that a zero-argument super() finds its cell; `_` so that no private name is mangled.
    module = "\n" * (first - 2) + "class _:\n" + textwrap.indent(source, "    ")
    edited = compile(module, code.co_filename, "exec", dont_inherit=True)
    function.__code__ = _nested(_nested(edited, "_"), code.co_name)


def attribute(owner: Any, name: str) -> Any:
    """Return the attribute `name` of a module, class or object of VISSL.

    Raises:
        CompatibilityError: there is none.
    """
    try:
        return getattr(owner, name)
    except AttributeError:
        module = owner if isinstance(owner, ModuleType) else sys.modules.get(getattr(owner, "__module__", ""))
        owner_name = "" if isinstance(owner, ModuleType) else getattr(owner, "__qualname__", type(owner).__qualname__)
        raise CompatibilityError(_sentence(module, f"has no `{f'{owner_name}.{name}'.lstrip('.')}`")) from None


def original(owner: Any, name: str) -> Any:
    """Return the attribute as VISSL defined it, even where `replace` has put ours in its place.

    Raises:
        CompatibilityError: there is none.
    """
    current = attribute(owner, name)
    return getattr(current, "monoimage_original", current)


def replace(owner: Any, name: str, substitute: Any) -> None:
    """Put `substitute` in the place of an attribute of a module or class; it keeps VISSL's own for `original`.

    Raises:
        CompatibilityError: there is no such attribute.
    """
    substitute.monoimage_original = original(owner, name)
    setattr(owner, name, substitute)


def _sentence(module: ModuleType | None, missing: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version("vissl")
    except PackageNotFoundError:
        installed = "from a folder of sources"
    file = getattr(module, "__file__", None) or "a module"
    return (
        f"{file} of VISSL {installed} {missing}: vissl_monoimage adapts VISSL {VISSL_VERSION}; install that into a "
        "fresh environment with `monoimage setup`"
    )


def _nested(code: CodeType, name: str) -> CodeType:
    return next(inner for inner in code.co_consts if isinstance(inner, CodeType) and inner.co_name == name)
