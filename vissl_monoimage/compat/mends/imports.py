"""What stops VISSL from importing, and names its libraries have dropped since."""

from __future__ import annotations

from operator import attrgetter
from types import ModuleType
from typing import Any

from vissl_monoimage.compat import pkg_resources_stand_in as stand_in
from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import edit, original, replace


@MENDS.after("torchvision.datasets.kinetics")
def kinetics400(kinetics: ModuleType) -> None:
    """`ImportError: cannot import name 'Kinetics400'` in classy_vision/dataset/classy_kinetics400.py.

    torchvision 0.15 folded the class into `Kinetics`, whose default is the 400 classes.
    Guard: torchvision still has the name.
    """
    if not hasattr(kinetics, "Kinetics400"):
        kinetics.Kinetics400 = kinetics.Kinetics  # type: ignore[attr-defined]


_USERS_OF_PKG_RESOURCES = ("vissl.utils.misc", "vissl.utils.collect_env")


@MENDS.before(*_USERS_OF_PKG_RESOURCES)
def lend_pkg_resources(_: ModuleType) -> None:
    """`ModuleNotFoundError: pkg_resources` in vissl/utils/misc.py and collect_env.py: setuptools 81 dropped it.

    While VISSL's module runs, a stand-in takes its place. Guard: the real one can be imported.
    """
    stand_in.lend()


@MENDS.after(*_USERS_OF_PKG_RESOURCES)
def take_back_pkg_resources(_: ModuleType) -> None:
    """Undo `lend_pkg_resources` after vissl/utils/misc.py: libraries that try for the real one must not find ours.

    Guard: the real one can be imported.
    """
    stand_in.take_back()


_NUMPY_ALIASES = {
    "vissl.meters.mean_ap_meter": "MeanAPMeter.value.fget",
    "vissl.utils.svm_utils.evaluate": "get_precision_recall",
    "vissl.utils.instance_retrieval_utils.rmac": "get_rmac_descriptors",
    "classy_vision.dataset.transforms.autoaugment": "get_image_op_settings",
}


@MENDS.after(*_NUMPY_ALIASES)
def numpy_aliases(module: ModuleType) -> None:
    """`AttributeError: module 'numpy' has no attribute 'float'` (NumPy 1.24) in four modules.

    vissl/meters/mean_ap_meter.py, vissl/utils/svm_utils/evaluate.py, vissl/utils/instance_retrieval_utils/rmac.py and
    classy_vision/dataset/transforms/autoaugment.py.
    """
    function = attrgetter(_NUMPY_ALIASES[module.__name__])(module)
    edit(function, (r"np\.(float|int)\b", r"\1"))


@MENDS.after("vissl.utils.hydra_config")
def tools_as_main(hydra_config: ModuleType) -> None:
    """`python -m tools.nearest_neighbor_test` runs that module as `__main__`, where no import mends it.

    Every such tool begins with `compose_hydra_configuration` of vissl/utils/hydra_config.py, and is mended then.
    """
    compose = original(hydra_config, "compose_hydra_configuration")

    def wrapper(overrides: list[str]) -> Any:
        MENDS.call_after_main()
        return compose(overrides)

    replace(hydra_config, "compose_hydra_configuration", wrapper)
