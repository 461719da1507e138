"""Every mend that unmodified VISSL 0.1.6 needs on today's stack: this file is the index of them all.

A mend is a function registered for the modules it repairs; it runs when they are first imported (or at once
where they already are), so that importing us costs nothing by itself. Each names the symptom, VISSL's file,
and the guard that makes it do nothing where VISSL works without it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from vissl_monoimage.import_hooks import ImportHooks

MENDS = ImportHooks()


def apply() -> None:
    """Apply all mends; calling it again changes nothing."""
    MENDS.install()


@MENDS.after("torchvision.datasets.kinetics")
def kinetics400(kinetics: ModuleType) -> None:
    """`ImportError: cannot import name 'Kinetics400'` in classy_vision/dataset/classy_kinetics400.py.

    torchvision 0.15 folded the class into `Kinetics`, whose default is the 400 classes.
    Guard: torchvision still has the name.
    """
    if not hasattr(kinetics, "Kinetics400"):
        kinetics.Kinetics400 = kinetics.Kinetics  # type: ignore[attr-defined]


@MENDS.before("vissl.utils.misc", "vissl.utils.collect_env", "tools.launch_benchmark_suite_scheduler_slurm")
def lend_pkg_resources(_: ModuleType) -> None:
    """`ModuleNotFoundError: pkg_resources` in vissl/utils/misc.py: setuptools 81 dropped it.

    VISSL uses two of its functions; the stand-in has these two and is visible only while VISSL's module runs, so
    that libraries which try for the real one do not find it. Guard: the real one can be imported.
    """
    with contextlib.suppress(ImportError):
        import pkg_resources  # noqa: F401

        return
    sys.modules["pkg_resources"] = _pkg_resources_stand_in()


@MENDS.after("vissl.utils.misc", "vissl.utils.collect_env", "tools.launch_benchmark_suite_scheduler_slurm")
def take_back_pkg_resources(_: ModuleType) -> None:
    """Undo `lend_pkg_resources`. Guard: the module there is not our stand-in."""
    if getattr(sys.modules.get("pkg_resources"), "__doc__", None) == _STAND_IN:
        del sys.modules["pkg_resources"]


_STAND_IN = "The two functions of pkg_resources that VISSL calls."


def _pkg_resources_stand_in() -> ModuleType:
    def resource_filename(package: str, resource: str) -> str:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"No module named '{package}'", name=package)
        return str(Path(spec.origin).parent / resource)

    stand_in = ModuleType("pkg_resources", _STAND_IN)
    stand_in.resource_filename = resource_filename  # type: ignore[attr-defined]
    stand_in.get_distribution = importlib.metadata.distribution  # type: ignore[attr-defined]
    return stand_in
