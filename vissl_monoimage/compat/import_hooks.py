"""Run a function on a module just after it is first imported, or at once where it already is."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ModuleHook = Callable[[ModuleType], None]
_MARK = "_monoimage_hooks_done"


class ImportHooks(MetaPathFinder):
    """Functions to call before and after the code of named modules runs.

    A finder that leaves finding and loading to the others on `sys.meta_path` and only adds calls around
    the loading. Registering a function costs nothing until its module is imported.
    """

    def __init__(self) -> None:
        self._before: dict[str, list[ModuleHook]] = defaultdict(list)
        self._after: dict[str, list[ModuleHook]] = defaultdict(list)

    def before(self, *names: str) -> Callable[[ModuleHook], ModuleHook]:
        """Return a decorator: its function is called with the still empty module, before each named module runs."""
        return _register(self._before, names)

    def after(self, *names: str) -> Callable[[ModuleHook], ModuleHook]:
        """Return a decorator: its function is called with the module, after each named module has run."""
        return _register(self._after, names)

    def modules_of(self, hook: ModuleHook) -> list[str]:
        """Return the modules that a function is registered for."""
        return sorted({name for hooks in (self._before, self._after) for name in hooks if hook in hooks[name]})

    def install(self) -> None:
        """Watch imports from now on, and call the `after` functions of modules imported already, once."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        for name in list(self._after):
            module = sys.modules.get(name)
            # One that is being imported at this moment is called when it is done.
            if module is not None and not getattr(module.__spec__, "_initializing", False):
                self.call_after(module, name)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that the next finder gives, with our calls around its loading; None for other modules."""
        if fullname not in self._before and fullname not in self._after:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                break
        else:
            return None
        if spec.loader is not None:
            spec.loader = _Around(spec.loader, self)
        return spec

    def call_before(self, module: ModuleType) -> None:
        """Call the `before` functions of a module that is about to run."""
        for hook in self._before.get(module.__name__, ()):
            hook(module)

    def call_after(self, module: ModuleType, name: str) -> None:
        """Call the `after` functions of the module `name`, which has run, unless they were called before."""
        if hasattr(module, _MARK):
            return
        for hook in self._after.get(name, ()):
            hook(module)
        setattr(module, _MARK, True)

    def call_after_main(self) -> None:
        """Call the `after` functions of the named module that runs as `__main__`, by `python -m` or as a script."""
        main = sys.modules["__main__"]
        name = getattr(getattr(main, "__spec__", None), "name", None)
        path = (getattr(main, "__file__", None) or "").removesuffix(".py").replace("/", ".")
        for candidate in list(self._after):
            if candidate == name or path.endswith(f".{candidate}"):
                self.call_after(main, candidate)


class _Around(Loader):
    """A loader that calls the hooks around another one, and then leaves the module as that would have.

    An object of its own for each module, since one loader may serve many modules (pytest's does).
    """

    def __init__(self, loader: Any, hooks: ImportHooks) -> None:
        self._loader = loader
        self._hooks = hooks

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        vars(module).pop(_MARK, None)  # a module that is reloaded
        self._hooks.call_before(module)
        self._loader.exec_module(module)
        self._hooks.call_after(module, module.__name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _register(hooks: dict[str, list[ModuleHook]], names: Sequence[str]) -> Callable[[ModuleHook], ModuleHook]:
    def register(hook: ModuleHook) -> ModuleHook:
        for name in names:
            hooks[name].append(hook)
        return hook

    return register


MENDS = ImportHooks()
