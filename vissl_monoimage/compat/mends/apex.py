"""What VISSL takes from NVIDIA's apex, served by PyTorch; no module named `apex` is made up for it."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Any

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import attribute, edit, original, replace


@MENDS.after("classy_vision.optim.sgd")
def native_larc(sgd: ModuleType) -> None:
    """`RuntimeError: Apex needed for LARC` in classy_vision/optim/sgd.py. Guard: apex can be imported."""
    ours = "from vissl_monoimage.compat.larc import LARC"
    edit(sgd.SGD.prepare, (r'raise RuntimeError\("Apex needed for LARC"\)', ours))


@MENDS.after("vissl.trainer.train_task")
def larc_without_apex(train_task: ModuleType) -> None:
    """`AssertionError: Apex must be available to use LARC` in vissl/trainer/train_task.py."""
    build = attribute(train_task.SelfSupervisionTask, "_build_optimizer")
    edit(build, (r"assert is_apex_available\(\).*", "pass"))


@MENDS.after("vissl.trainer.train_task")
def mixed_precision(train_task: ModuleType) -> None:
    """`RuntimeError: Apex is not available`, `AssertionError: Mixed precision is only available on CUDA`.

    Both in `set_amp_args` of vissl/trainer/train_task.py. Torch's mixed precision serves for apex's, and on devices
    other than CUDA it is off; the config then says what is used, and one line of the log why.
    Guard: mixed precision is not asked for; apex is installed.
    """
    set_amp_args = original(train_task.SelfSupervisionTask, "set_amp_args")

    def wrapper(self: Any) -> None:
        wanted = self.config.MODEL.AMP_PARAMS
        if wanted.USE_AMP and self.device.type != "cuda":
            logging.warning(f"Mixed precision (USE_AMP) is for CUDA: off on {self.device.type}")
            wanted.USE_AMP = False
        if wanted.USE_AMP and wanted.AMP_TYPE.lower() == "apex" and not train_task.is_apex_available():
            logging.info("AMP_TYPE: apex is not installed, torch's mixed precision serves instead")
            wanted.AMP_TYPE = "pytorch"
        set_amp_args(self)

    replace(train_task.SelfSupervisionTask, "set_amp_args", wrapper)


@MENDS.after("vissl.trainer.train_task")
def sync_bn_without_apex(train_task: ModuleType) -> None:
    """`NameError: apex` in `convert_sync_bn` of vissl/models/model_helpers.py, with the default SYNC_BN_TYPE.

    Torch's synchronized batch norm serves, with the same groups. Guard: apex is installed.
    """
    convert_sync_bn = original(train_task, "convert_sync_bn")

    def wrapper(config: Any, model: Any) -> Any:
        wanted = config.MODEL.SYNC_BN_CONFIG
        if wanted.SYNC_BN_TYPE == "apex" and not train_task.is_apex_available():
            logging.info("SYNC_BN_TYPE: apex is not installed, torch's SyncBatchNorm serves instead")
            wanted.SYNC_BN_TYPE = "pytorch"
        return convert_sync_bn(config, model)

    replace(train_task, "convert_sync_bn", wrapper)
