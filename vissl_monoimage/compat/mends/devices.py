"""CUDA calls that VISSL makes on every device: each tensor goes to the device of those it is used with."""

from __future__ import annotations

from types import ModuleType

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import attribute, edit

_CUDA_CALL = r"\.cuda\(\s*(?:non_blocking=True|torch\.cuda\.current_device\(\))?,?\s*\)"


@MENDS.after("vissl.losses.deepclusterv2_loss")
def deepcluster_device(loss: ModuleType) -> None:
    """`AssertionError: Torch not compiled with CUDA enabled`: vissl/losses/deepclusterv2_loss.py calls `.cuda()`.

    On every device; here tensors go to that of the memory bank.
    """
    to_bank = (_CUDA_CALL, ".to(self.local_memory_embeddings.device, non_blocking=True)")
    edit(loss.DeepClusterV2Loss.init_memory, to_bank)
    edit(loss.DeepClusterV2Loss.cluster_memory, to_bank)


@MENDS.after("vissl.losses.nce_loss")
def nce_device(loss: ModuleType) -> None:
    """`AssertionError: Torch not compiled with CUDA enabled` in the debug sampler of vissl/losses/nce_loss.py.

    Here its draws go to the labels' device.
    """
    edit(loss.NumpySampler.draw, (_CUDA_CALL, ""))
    drawn = r"(self\.multinomial\.draw\(batchSize \* \(num_negatives \+ 1\)\))"
    edit(loss.NCEAverage.do_negative_sampling, (drawn, r"\1.to(y.device)"))


@MENDS.after("vissl.trainer.trainer_main")
def extraction_device(trainer_main: ModuleType) -> None:
    """`AssertionError: Set MACHINE.DEVICE = gpu`, and calls of `.cuda()`, in vissl/trainer/trainer_main.py.

    Here features are extracted, and clusters assigned, on the task's device.
    """
    trainer = trainer_main.SelfSupervisionTrainer
    any_device = (r"assert self\.task\.device\.type == \"cuda\".*", "pass")
    edit(trainer.extract, any_device)
    edit(trainer.extract_clusters, any_device)
    to_task = (_CUDA_CALL, ".to(task.device, non_blocking=True)")
    edit(attribute(trainer, "_extract_split_features"), to_task)
    edit(attribute(trainer, "_get_cluster_assignment_for_split"), to_task)
    to_backend = (_CUDA_CALL, '.to("cuda" if dist.get_backend() == "nccl" else "cpu")')
    edit(attribute(trainer, "_merge_cluster_assignments"), to_backend)


@MENDS.after("vissl.utils.distributed_utils")
def gather_device(utils: ModuleType) -> None:
    """`AssertionError: Torch not compiled with CUDA enabled` in vissl/utils/distributed_utils.py.

    It gathers tensors of different sizes on a GPU; here on the tensor's own device.
    """
    to_tensor = (r'torch\.device\("cuda", torch\.cuda\.current_device\(\)\)', "x.device")
    edit(utils.all_gather_sizes, to_tensor)
    edit(utils.all_gather_heterogeneous, to_tensor)


@MENDS.after("tools.nearest_neighbor_test")
def nearest_neighbor_device(tool: ModuleType) -> None:
    """`AssertionError: Torch not compiled with CUDA enabled` in tools/nearest_neighbor_test.py.

    And there `ValueError: range() arg 3 must not be zero` with fewer than 100 test images, and an error for the top 5
    of fewer classes.
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

    On a CPU the batch norm of one process serves, with the same weights. Guard: CUDA is in use.
    """
    from classy_vision.generic.distributed_util import get_cuda_device_index
    from torch import nn

    def batch_norm(features: int) -> nn.Module:
        return (nn.SyncBatchNorm if get_cuda_device_index() > -1 else nn.BatchNorm2d)(features)

    xcit.monoimage_batch_norm = batch_norm  # type: ignore[attr-defined]
    by_device = (r"nn\.SyncBatchNorm\(", "monoimage_batch_norm(")
    edit(xcit.conv3x3, by_device)
    edit(xcit.LPI.__init__, by_device)


_TO_TASK = (r'torch\.device\("cuda" if task\.use_gpu else "cpu"\)', "task.device")
_TEACHERS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "vissl.hooks.dino_hooks": ("DINOHook", []),
    "vissl.hooks.swav_momentum_hooks": ("SwAVMomentumHook", [_TO_TASK]),
}


@MENDS.after(*_TEACHERS)
def teacher_batch_norm(hooks: ModuleType) -> None:
    """`ValueError: SyncBatchNorm expected input tensor to be on GPU` where DINO and SwAV make their teacher.

    In vissl/hooks/dino_hooks.py and vissl/hooks/swav_momentum_hooks.py. On a CPU the teacher's batch norms stay as
    they are. Guard: the task is on CUDA.
    """
    convert = r"nn\.SyncBatchNorm\.convert_sync_batchnorm\("
    on_cuda = '(nn.SyncBatchNorm.convert_sync_batchnorm if task.device.type == "cuda" else nn.Identity())('
    name, more = _TEACHERS[hooks.__name__]
    edit(attribute(attribute(hooks, name), "_build_momentum_network"), (convert, on_cuda), *more)
