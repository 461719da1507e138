"""CUDA calls that VISSL makes on every device: each tensor goes where the others it meets are."""

from __future__ import annotations

from types import ModuleType

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import edit

_CUDA_CALL = r"\.cuda\(\s*(?:non_blocking=True|torch\.cuda\.current_device\(\))?,?\s*\)"


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


_TEACHERS = {"vissl.hooks.dino_hooks": "DINOHook", "vissl.hooks.swav_momentum_hooks": "SwAVMomentumHook"}


@MENDS.after(*_TEACHERS)
def teacher_batch_norm(hooks: ModuleType) -> None:
    """The same where DINO and SwAV with momentum make their teacher, vissl/hooks/dino_hooks.py and the other.

    On a CPU the teacher's batch norms stay as they are. Guard: the task is on CUDA.
    """
    convert = r"nn\.SyncBatchNorm\.convert_sync_batchnorm\("
    on_cuda = '(nn.SyncBatchNorm.convert_sync_batchnorm if task.device.type == "cuda" else nn.Identity())('
    build = getattr(hooks, _TEACHERS[hooks.__name__])._build_momentum_network
    edit(build, (convert, on_cuda), (r'torch\.device\("cuda" if task\.use_gpu else "cpu"\)', "task.device"))
