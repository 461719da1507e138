"""A Hydra search path for our YAMLs in every Hydra app that runs VISSL; installed as `hydra_plugins.vissl_monoimage`.

Hydra imports this module in every app on the machine, so it imports Hydra alone and acts only where VISSL runs.
"""

from __future__ import annotations

import sys

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class MonoImagePlugin(SearchPathPlugin):
    """Adds our `configs/` behind VISSL's own, and registers what our YAMLs name."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append our folder to `search_path` where VISSL has been imported."""
        if "vissl" not in sys.modules:
            return
        # Importing anything of ours registers our trunks, heads, sources and tasks with VISSL.
        from vissl_monoimage.utils.paths import config_folder

        search_path.append(provider="vissl_monoimage", path=f"file://{config_folder()}")
