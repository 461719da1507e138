"""The watch for VISSL that `import vissl_monoimage` sets up, and nothing more.

Where `monoimage setup` has put its line, Python runs this at every start: it imports nothing but `sys`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

VISSL = ("vissl", "classy_vision")  # VISSL's wheel installs both
_PACKAGE = "vissl_monoimage"
_PLUGIN = ("compat", "errors", "utils", "hydra_plugin", "plugin")  # what the plugin itself is made of
_WATCHED = (*VISSL, f"{_PACKAGE}.compat.processes")  # the last is how a child process of VISSL finds us


class Watch:
    """A finder that finds nothing: it loads the plugin when VISSL, or a module of ours that may use it, is imported."""

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None", target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Load the plugin where it is needed, and return the spec that the other finders give from then on."""
        package, _, rest = fullname.partition(".")
        ours = package == _PACKAGE and rest.partition(".")[0] not in _PLUGIN
        if not ours and fullname not in _WATCHED:
            return None
        load()
        # The import system is in the middle of its own loop over `sys.meta_path`, which has just changed.
        for finder in sys.meta_path:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None


_WATCH = Watch()


def install() -> None:
    """Watch for VISSL from now on, or load the plugin at once where VISSL has been imported."""
    if any(name in sys.modules for name in VISSL):
        load()
    else:
        sys.meta_path.insert(0, _WATCH)


def load() -> None:
    """Load the plugin; calling it again changes nothing."""
    import importlib

    if _WATCH in sys.meta_path:
        sys.meta_path.remove(_WATCH)
    importlib.import_module(f"{_PACKAGE}.plugin").install()
