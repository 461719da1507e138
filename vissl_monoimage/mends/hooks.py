"""Run a function on a module just after it is first imported, or at once where it already is."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ModuleHook = Callable[[ModuleType], None]
_MARK = "_monoimage_hooks_done"


class ImportHooks(MetaPathFinder):
    """Functions to call before and after the code of named modules runs.

    A finder that leaves finding and loading to the others on `sys.meta_path` and only adds calls around
    the loader's `exec_module`. Registering a function costs nothing until its module is imported.
    """

    def __init__(self) -> None:
        self._before: dict[str, list[ModuleHook]] = defaultdict(list)
        self._after: dict[str, list[ModuleHook]] = defaultdict(list)

    def before(self, *names: str) -> Callable[[ModuleHook], ModuleHook]:
        """Decorator: call the function with the still empty module, before each of the modules runs."""
        return _register(self._before, names)

    def after(self, *names: str) -> Callable[[ModuleHook], ModuleHook]:
        """Decorator: call the function with the module, after each of the modules ran."""
        return _register(self._after, names)

    def install(self) -> None:
        """Watch imports from now on, and call the `after` functions of modules imported already, once."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        for name in self._after:
            module = sys.modules.get(name)
            if module is None or hasattr(module, _MARK):
                continue
            # One that is being imported at this moment is called when it is done.
            if not getattr(module.__spec__, "_initializing", False):
                self._call_after(module, name)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec the next finder gives, with our calls around its `exec_module`; None for other modules."""
        if fullname not in self._before and fullname not in self._after:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                break
        else:
            return None
        # Set on the instance, so that the loader keeps its type for inspect, pickle and runpy.
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            for hook in self._before.get(fullname, ()):
                hook(module)
            execute(module)
            self._call_after(module, fullname)

        loader.exec_module = exec_module
        return spec

    def _call_after(self, module: ModuleType, name: str) -> None:
        for hook in self._after.get(name, ()):
            hook(module)
        setattr(module, _MARK, True)


def _register(
    hooks: dict[str, list[ModuleHook]], names: Sequence[str]
) -> Callable[[ModuleHook], ModuleHook]:
    def register(hook: ModuleHook) -> ModuleHook:
        for name in names:
            hooks[name].append(hook)
        return hook

    return register


MENDS = ImportHooks()
