"""The one place that tells VISSL what we add. It runs when VISSL is first imported, by whomever.

To add a method: name its module here; its decorators register it when it is imported.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from vissl_monoimage.compat import MENDS

# Each registers its sources, trunks, heads, models, transforms, collators or tasks with VISSL on import.
MODULES = (
    "vissl_monoimage.images.source",
    "vissl_monoimage.images.patches",
    "vissl_monoimage.baselines.hog",
    "vissl_monoimage.baselines.scattering",
    "vissl_monoimage.models.alexnet",
    "vissl_monoimage.models.alexnet_bigan",
    "vissl_monoimage.models.bigan_head",
    "vissl_monoimage.models.convnet4",
    "vissl_monoimage.models.deepcluster_head",
    "vissl_monoimage.models.heads",
    "vissl_monoimage.models.resnet",
    "vissl_monoimage.models.sparse_coding",
    "vissl_monoimage.task",
    "vissl_monoimage.pretext.bigan.loss",
    "vissl_monoimage.pretext.bigan.meter",
    "vissl_monoimage.pretext.bigan.schedule",
    "vissl_monoimage.pretext.bigan.step",
    "vissl_monoimage.pretext.bigan.task",
    "vissl_monoimage.pretext.deepcluster.task",
    "vissl_monoimage.pretext.rotnet",
    "vissl_monoimage.probe.finetune",
    "vissl_monoimage.probe.head",
    "vissl_monoimage.probe.knn",
    "vissl_monoimage.probe.low_shot",
    "vissl_monoimage.probe.model",
    "vissl_monoimage.probe.retrained",
    "vissl_monoimage.probe.task",
    "vissl_monoimage.probe.ten_crop",
)

_HERE = Path(__file__).parent
_OURS = tuple(
    ".".join(("vissl_monoimage", *path.relative_to(_HERE).with_suffix("").parts))
    for path in _HERE.rglob("*.py")
    if path.stem not in ("__init__", "__main__")
)


@MENDS.after("vissl", *_OURS)
def register(module: ModuleType) -> None:
    """Register everything with VISSL, and make its child processes do the same.

    Where VISSL is imported by a module of ours that is itself only half imported, nothing can be
    registered yet; it is when that module is done, which is why our own modules are watched too.
    """
    if "vissl" not in sys.modules or any(_half_imported(name) for name in _OURS if name != module.__name__):
        return
    for name in MODULES:
        importlib.import_module(name)
    from vissl_monoimage import processes
    from vissl_monoimage.report.hook import LedgerHook
    from vissl_monoimage.task import MonoImageTask

    processes.install()
    MonoImageTask.hook_factories = [LedgerHook.from_config]


def _half_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
