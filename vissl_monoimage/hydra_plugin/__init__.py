"""Lets every Hydra app that runs VISSL find our YAMLs; installed as `hydra_plugins.vissl_monoimage`.

Hydra imports this in every app on the machine, so it imports Hydra alone, and acts only where VISSL runs.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class MonoImagePlugin(SearchPathPlugin):
    """Adds our `configs/` behind VISSL's own, and registers what our YAMLs name."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if "vissl" not in sys.modules:
            return
        import vissl_monoimage  # noqa: F401  # registers our trunks, heads, sources, tasks with VISSL

        search_path.append(provider="vissl_monoimage", path=f"file://{config_folder()}")


def config_folder() -> Path:
    """Our YAMLs: inside the installed package, or beside it in a checkout."""
    spec = importlib.util.find_spec("vissl_monoimage")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("vissl_monoimage is not importable", name="vissl_monoimage")
    package = Path(spec.origin).parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"
