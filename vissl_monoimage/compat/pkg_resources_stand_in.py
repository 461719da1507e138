"""The two functions of pkg_resources that VISSL calls, for environments whose setuptools has dropped it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_NAME = "pkg_resources"


def resource_filename(package: str, resource: str) -> str:
    """Return the path of the file `resource` inside `package`, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)
    return str(Path(spec.origin).parent / resource)


def get_distribution(name: str) -> Distribution:
    """Return the installed distribution `name`, which has a `version`."""
    from importlib.metadata import distribution

    return distribution(name)


def lend() -> None:
    """Let `import pkg_resources` find this module, if there is no real one."""
    try:
        import pkg_resources  # noqa: F401
    except ImportError:
        sys.modules[_NAME] = sys.modules[__name__]


def take_back() -> None:
    """Undo `lend`: libraries that only try for the real one must not find ours."""
    if sys.modules.get(_NAME) is sys.modules[__name__]:
        del sys.modules[_NAME]
