"""The one place that registers what we add with VISSL. It runs when VISSL is first imported, by whomever.

To add a method, name its module in `MODULES`: its decorators register it when it is imported.
"""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from types import ModuleType

from vissl_monoimage.compat import index, missing_vissl, private_api
from vissl_monoimage.compat.index import MENDS

# Each of them registers its sources, trunks, heads, models, transforms, collators, tasks or checks on import.
MODULES = (
    "vissl_monoimage.data.single_image_vissl",
    "vissl_monoimage.data.photo_patches_vissl",
    "vissl_monoimage.data.labels_vissl",
    "vissl_monoimage.data.disk_images_vissl",
    "vissl_monoimage.data.validate_classes_vissl",
    "vissl_monoimage.data.validate_limit_vissl",
    "vissl_monoimage.data.validate_lists_vissl",
    "vissl_monoimage.data.validate_known_sets_vissl",
    "vissl_monoimage.data.validate_lengths_vissl",
    "vissl_monoimage.models.trunks.trunks_vissl",
    "vissl_monoimage.models.heads.heads_vissl",
    "vissl_monoimage.training.task",
    "vissl_monoimage.training.validate_renderer",
    "vissl_monoimage.pretext.bigan.loss",
    "vissl_monoimage.pretext.bigan.meter",
    "vissl_monoimage.pretext.bigan.schedule",
    "vissl_monoimage.pretext.bigan.train_step",
    "vissl_monoimage.pretext.bigan.task",
    "vissl_monoimage.pretext.deepcluster.task",
    "vissl_monoimage.pretext.deepcluster_v2",
    "vissl_monoimage.pretext.rotnet",
    "vissl_monoimage.probe.finetune",
    "vissl_monoimage.probe.knn",
    "vissl_monoimage.probe.few_shot",
    "vissl_monoimage.probe.linear",
    "vissl_monoimage.probe.ten_crop",
)

_HERE = Path(__file__).parent
_OURS = tuple(
    ".".join(("vissl_monoimage", *path.relative_to(_HERE).with_suffix("").parts))
    for path in _HERE.rglob("*.py")
    if path.stem not in ("__init__", "__main__")
)
_registered = False


def install() -> None:
    """Adapt VISSL when it is imported, or at once where it already is; calling it again changes nothing."""
    index.apply()
    missing_vissl.install()


@MENDS.after("vissl", *_OURS)
def register(module: ModuleType) -> None:
    """Register everything with VISSL, and make its child processes do the same.

    Where VISSL is imported by a module of ours that is itself only half imported, nothing can be
    registered yet; it is when that module is done, which is why our own modules are watched too.
    """
    global _registered
    if (
        _registered
        or "vissl" not in sys.modules
        or any(_half_imported(name) for name in _OURS if name != module.__name__)
    ):
        return
    _registered = True
    try:
        _register()
    except BaseException:
        _registered = False
        raise


def _register() -> None:
    from vissl.trainer.train_task import SelfSupervisionTask

    from vissl_monoimage.compat import processes

    private_api.check_overridden_methods(SelfSupervisionTask)
    processes.install()
    for name in MODULES:
        importlib.import_module(name)
    from vissl_monoimage.ledger.hook_vissl import LedgerHook
    from vissl_monoimage.pretext.transfer.measure import measure_transfer
    from vissl_monoimage.training.run_folder import held_run_folder
    from vissl_monoimage.training.task import MonoImageTask

    processes.around_launch[:] = [held_run_folder]
    MonoImageTask.hook_factories = [functools.partial(LedgerHook, measure_transfer=measure_transfer)]


def _half_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
