"""The one place that tells VISSL what we add. It runs when VISSL is first imported.

To add a method: import its module here, where its decorators register it.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from vissl_monoimage.compat import MENDS

# Each registers its trunks, heads, models, transforms, collators or tasks with VISSL's registries on import.
MODULES = (
    "vissl_monoimage.images.source",
    "vissl_monoimage.images.patches",
    "vissl_monoimage.models.alexnet",
    "vissl_monoimage.models.convnet4",
    "vissl_monoimage.models.heads",
    "vissl_monoimage.task",
    "vissl_monoimage.pretext.rotnet",
    "vissl_monoimage.probe.head",
    "vissl_monoimage.probe.model",
    "vissl_monoimage.probe.ten_crop",
)


@MENDS.after("vissl")
def register(_: ModuleType) -> None:
    """Register everything with VISSL, and make its child processes do the same."""
    import importlib.util
    for name in MODULES:  # TEMPORARY filter while helpers build their modules; the lead removes it
        if importlib.util.find_spec(name):
            importlib.import_module(name)
    from vissl_monoimage import processes
    from vissl_monoimage.task import MonoImageTask

    processes.install()
    try:
        from vissl_monoimage.report.hook import LedgerHook
        MonoImageTask.hook_factories = [LedgerHook.from_config]
    except ImportError:
        pass
