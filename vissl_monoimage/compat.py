"""Every mend that unmodified VISSL 0.1.6 needs on today's stack: this file is the index of them all.

A mend is a function registered for the modules it repairs. It runs when they are first imported (or at once
where they already are), so that importing us costs nothing by itself. Each names the symptom, VISSL's file,
and the guard that makes it do nothing where VISSL works without it; where a mend only edits a line, the guard
is that a line which is not there is not changed.
"""

from __future__ import annotations

import logging
import os
import warnings
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from vissl_monoimage import pkg_resources_stand_in
from vissl_monoimage.import_hooks import ImportHooks
from vissl_monoimage.source_edit import edit

MENDS = ImportHooks()
_CUDA_CALL = r"\.cuda\(\s*(?:non_blocking=True|torch\.cuda\.current_device\(\))?,?\s*\)"


def apply() -> None:
    """Apply all mends; calling it again changes nothing."""
    quiet()
    MENDS.install()


def quiet() -> None:
    """Silence the warnings, and only these, of what VISSL calls at every import and step."""
    for message in (
        r".*torch\.cuda\.amp\.\w+\(args\.\.\.\)` is deprecated",
        r".*`torch\.jit\.\w+` is deprecated",
        r".*torchvision\.transforms\._(functional|transforms)_video' module is deprecated",
        r".*pkg_resources is deprecated as an API",
    ):
        warnings.filterwarnings("ignore", message)


# ---- Import ------------------------------------------------------------------------------------------


@MENDS.after("torchvision.datasets.kinetics")
def kinetics400(kinetics: ModuleType) -> None:
    """`ImportError: cannot import name 'Kinetics400'` in classy_vision/dataset/classy_kinetics400.py.

    torchvision 0.15 folded the class into `Kinetics`, whose default is the 400 classes.
    Guard: torchvision still has the name.
    """
    if not hasattr(kinetics, "Kinetics400"):
        kinetics.Kinetics400 = kinetics.Kinetics  # type: ignore[attr-defined]


_USERS_OF_PKG_RESOURCES = (
    "vissl.utils.misc",
    "vissl.utils.collect_env",
    "tools.launch_benchmark_suite_scheduler_slurm",
)


@MENDS.before(*_USERS_OF_PKG_RESOURCES)
def lend_pkg_resources(_: ModuleType) -> None:
    """`ModuleNotFoundError: pkg_resources` in vissl/utils/misc.py: setuptools 81 dropped it.

    While VISSL's module runs, a stand-in takes its place. Guard: the real one can be imported.
    """
    pkg_resources_stand_in.lend()


@MENDS.after(*_USERS_OF_PKG_RESOURCES)
def take_back_pkg_resources(_: ModuleType) -> None:
    """Undo `lend_pkg_resources`, so that libraries which try for the real one do not find ours."""
    pkg_resources_stand_in.take_back()


_NUMPY_ALIASES = {
    "vissl.meters.mean_ap_meter": "MeanAPMeter.value.fget",
    "vissl.utils.svm_utils.evaluate": "get_precision_recall",
    "vissl.utils.instance_retrieval_utils.rmac": "get_rmac_descriptors",
    "classy_vision.dataset.transforms.autoaugment": "get_image_op_settings",
}


@MENDS.after(*_NUMPY_ALIASES)
def numpy_aliases(module: ModuleType) -> None:
    """`AttributeError: module 'numpy' has no attribute 'float'` (NumPy 1.24) in the modules above."""
    function = attrgetter(_NUMPY_ALIASES[module.__name__])(module)
    edit(function, (r"np\.(float|int)\b", r"\1"))


# ---- apex --------------------------------------------------------------------------------------------


@MENDS.after("classy_vision.optim.sgd")
def native_larc(sgd: ModuleType) -> None:
    """`RuntimeError: Apex needed for LARC` in classy_vision/optim/sgd.py. Guard: apex can be imported."""
    ours = "from vissl_monoimage.larc import LARC"
    edit(sgd.SGD.prepare, (r'raise RuntimeError\("Apex needed for LARC"\)', ours))


@MENDS.after("vissl.trainer.train_task")
def larc_without_apex(train_task: ModuleType) -> None:
    """`AssertionError: Apex must be available to use LARC` in vissl/trainer/train_task.py."""
    edit(train_task.SelfSupervisionTask._build_optimizer, (r"assert is_apex_available\(\).*", "pass"))


@MENDS.after("vissl.trainer.train_task")
def mixed_precision(train_task: ModuleType) -> None:
    """`RuntimeError: Apex is not available`, `AssertionError: Mixed precision is only available on CUDA`.

    Both in `set_amp_args` of vissl/trainer/train_task.py. apex's mixed precision is served by torch's, and on
    other devices than CUDA it is off; the config says afterwards what is used, and one line of the log why.
    Guard: mixed precision is not asked for; apex is there.
    """
    set_amp_args = _original(train_task.SelfSupervisionTask, "set_amp_args")

    def wrapper(self: Any) -> None:
        wanted = self.config.MODEL.AMP_PARAMS
        if wanted.USE_AMP and self.device.type != "cuda":
            logging.warning(f"Mixed precision (USE_AMP) is for CUDA: off on {self.device.type}")
            wanted.USE_AMP = False
        if wanted.USE_AMP and wanted.AMP_TYPE.lower() == "apex" and not train_task.is_apex_available():
            logging.info("AMP_TYPE: apex is not installed, torch's mixed precision serves instead")
            wanted.AMP_TYPE = "pytorch"
        set_amp_args(self)

    _replace(train_task.SelfSupervisionTask, "set_amp_args", wrapper)


@MENDS.after("vissl.trainer.train_task")
def sync_bn_without_apex(train_task: ModuleType) -> None:
    """`NameError: apex` in `convert_sync_bn` of vissl/models/model_helpers.py, with the default SYNC_BN_TYPE.

    torch's synchronized batch norm serves, with the same groups. Guard: apex is there.
    """
    convert_sync_bn = _original(train_task, "convert_sync_bn")

    def wrapper(config: Any, model: Any) -> Any:
        wanted = config.MODEL.SYNC_BN_CONFIG
        if wanted.SYNC_BN_TYPE == "apex" and not train_task.is_apex_available():
            logging.info("SYNC_BN_TYPE: apex is not installed, torch's SyncBatchNorm serves instead")
            wanted.SYNC_BN_TYPE = "pytorch"
        return convert_sync_bn(config, model)

    _replace(train_task, "convert_sync_bn", wrapper)


# ---- Devices -----------------------------------------------------------------------------------------


@MENDS.after("vissl.losses.deepclusterv2_loss")
def deepcluster_device(loss: ModuleType) -> None:
    """`.cuda()` on every device in vissl/losses/deepclusterv2_loss.py: to the memory bank's device."""
    to_bank = (_CUDA_CALL, ".to(self.local_memory_embeddings.device, non_blocking=True)")
    edit(loss.DeepClusterV2Loss.init_memory, to_bank)
    edit(loss.DeepClusterV2Loss.cluster_memory, to_bank)


@MENDS.after("vissl.losses.nce_loss")
def nce_device(loss: ModuleType) -> None:
    """`.cuda()` on every device in the debug sampler of vissl/losses/nce_loss.py: to the labels' device."""
    edit(loss.NumpySampler.draw, (_CUDA_CALL, ""))
    drawn = r"(self\.multinomial\.draw\(batchSize \* \(num_negatives \+ 1\)\))"
    edit(loss.NCEAverage.do_negative_sampling, (drawn, r"\1.to(y.device)"))


@MENDS.after("vissl.trainer.trainer_main")
def extraction_device(trainer_main: ModuleType) -> None:
    """`AssertionError: Set MACHINE.DEVICE = gpu`, and `.cuda()` in vissl/trainer/trainer_main.py."""
    trainer = trainer_main.SelfSupervisionTrainer
    any_device = (r"assert self\.task\.device\.type == \"cuda\".*", "pass")
    edit(trainer.extract, any_device)
    edit(trainer.extract_clusters, any_device)
    to_task = (_CUDA_CALL, ".to(task.device, non_blocking=True)")
    edit(trainer._extract_split_features, to_task)
    edit(trainer._get_cluster_assignment_for_split, to_task)
    to_backend = (_CUDA_CALL, '.to("cuda" if dist.get_backend() == "nccl" else "cpu")')
    edit(trainer._merge_cluster_assignments, to_backend)


@MENDS.after("vissl.utils.distributed_utils")
def gather_device(utils: ModuleType) -> None:
    """`torch.cuda.current_device()` on every device in vissl/utils/distributed_utils.py."""
    to_tensor = (r'torch\.device\("cuda", torch\.cuda\.current_device\(\)\)', "x.device")
    edit(utils.all_gather_sizes, to_tensor)
    edit(utils.all_gather_heterogeneous, to_tensor)


@MENDS.after("tools.nearest_neighbor_test")
def nearest_neighbor_device(tool: ModuleType) -> None:
    """`.cuda()` on every device in tools/nearest_neighbor_test.py.

    And `ValueError: range() arg 3 must not be zero` below 100 test images; top 5 of fewer classes.
    """
    edit(
        tool.nearest_neighbor_test,
        (_CUDA_CALL, '.to("cuda" if cfg.MACHINE.DEVICE == "gpu" else "cpu")'),
        (r"num_test_images // num_chunks", "max(1, num_test_images // num_chunks)"),
        (r"narrow\(1, 0, 5\)", "narrow(1, 0, min(5, num_classes))"),
    )


@MENDS.after("vissl.models.trunks.xcit")
def xcit_batch_norm(xcit: ModuleType) -> None:
    """`ValueError: SyncBatchNorm expected input tensor to be on GPU` in vissl/models/trunks/xcit.py.

    On a CPU the batch norm of one process, with the same weights. Guard: CUDA is in use.
    """
    from classy_vision.generic.distributed_util import get_cuda_device_index
    from torch import nn

    def batch_norm(features: int) -> nn.Module:
        return (nn.SyncBatchNorm if get_cuda_device_index() > -1 else nn.BatchNorm2d)(features)

    xcit.monoimage_batch_norm = batch_norm  # type: ignore[attr-defined]
    by_device = (r"nn\.SyncBatchNorm\(", "monoimage_batch_norm(")
    edit(xcit.conv3x3, by_device)
    edit(xcit.LPI.__init__, by_device)


# ---- Files -------------------------------------------------------------------------------------------


@MENDS.after("vissl.data.ssl_transforms.shuffle_img_patches")
def jigsaw_permutations(transform: ModuleType) -> None:
    """Jigsaw fetches its permutations from a URL, of vissl/data/ssl_transforms/shuffle_img_patches.py.

    They are made here, once, without the network (see `permutations`). Guard: `perm_file` is no URL.
    """
    from vissl_monoimage.permutations import local_file

    load_perms = _original(transform.ShuffleImgPatches, "_load_perms")

    def wrapper(self: Any) -> None:
        if transform.is_url(self.perm_file):
            self.perm_file = str(local_file(self.perm_file) or self.perm_file)
        load_perms(self)

    _replace(transform.ShuffleImgPatches, "_load_perms", wrapper)


_LOADERS = {
    "classy_vision.generic.util": ["load_checkpoint"],
    "vissl.utils.checkpoint": [
        "CheckpointFormatConverter._read_shards",
        "SlicedCheckpointLoader._init_weight_from_slice",
    ],
    "vissl.utils.cluster_utils": ["ClusterAssignmentLoader.load_cluster_assigment"],
}


@MENDS.after(*_LOADERS)
def safe_checkpoints(module: ModuleType) -> None:
    """`UnpicklingError: Weights only load failed` (torch 2.6) at the bare `torch.load` of the modules above.

    VISSL's own files load; any other is refused in one sentence. Nothing in a file is ever run.
    """
    from vissl_monoimage import safe_load

    safe_load.allow_vissl_types()
    module.monoimage_load = safe_load.load  # type: ignore[attr-defined]
    to_config = (r"config=(content\[.*?\])", r"config=AttrDict(\1)")
    for name in _LOADERS[module.__name__]:
        edit(attrgetter(name)(module), (r"torch\.load\(", "monoimage_load("), to_config)


@MENDS.after("vissl.utils.checkpoint")
def whole_checkpoints(checkpoint: ModuleType) -> None:
    """A run killed while it saves leaves half a checkpoint, which the next start picks and cannot read.

    vissl/utils/checkpoint.py writes the file, then the link to it, in place; here each appears whole or not at all.
    """
    import torch

    def save_checkpoint(checkpoint_folder: str, state: Any, checkpoint_file: str) -> str:
        path = Path(checkpoint_folder, checkpoint_file)
        partial = path.with_name(f".{path.name}.partial")
        torch.save(state, partial)
        os.replace(partial, path)
        return str(path)

    def create_file_symlink(target: str, link: str) -> None:
        partial = Path(f"{link}.partial")
        partial.unlink(missing_ok=True)
        partial.symlink_to(target)
        os.replace(partial, link)

    _replace(checkpoint, "save_checkpoint", save_checkpoint)
    _replace(checkpoint, "create_file_symlink", create_file_symlink)


@MENDS.after("vissl.utils.distributed_launcher")
def launcher_error(launcher: ModuleType) -> None:
    """`TypeError: not all arguments converted` over the real error, vissl/utils/distributed_launcher.py."""
    edit(launcher.launch_distributed, (r'caught exception: ", e\)', 'caught exception: %s", e)'))


def _original(owner: Any, name: str) -> Any:
    """The attribute as VISSL defined it, also where a mend replaced it already."""
    return getattr(getattr(owner, name), "monoimage_original", getattr(owner, name))


def _replace(owner: Any, name: str, function: Any) -> None:
    function.monoimage_original = _original(owner, name)
    setattr(owner, name, function)
