"""Every mend that unmodified VISSL 0.1.6 needs with current libraries: this file is the index of them all.

A mend is a function registered for the modules it repairs. It runs when they are first imported (or at once
where they already are), so that importing us costs nothing by itself. Each names the symptom, VISSL's file,
and the guard that makes it do nothing where VISSL works without it; a line or name it does not find raises an error.
Nothing is written to VISSL's files. `docs/mends.md` lists them, with the rest of what this package changes.
"""

from __future__ import annotations

import sys

from vissl_monoimage.compat import console
from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.mends import apex, devices, diverged, files, imports, svm
from vissl_monoimage.compat.process_settings import silence_warnings

__all__ = ["ALL", "MENDS", "apply"]

ALL = (
    imports.kinetics400,  # gone from torchvision
    imports.lend_pkg_resources,  # gone from setuptools
    imports.take_back_pkg_resources,
    imports.numpy_aliases,  # np.float, np.int
    imports.tools_as_main,  # python -m tools.nearest_neighbor_test
    apex.native_larc,  # use_larc
    apex.larc_without_apex,
    apex.mixed_precision,  # AMP_TYPE: apex, USE_AMP on a CPU
    apex.sync_bn_without_apex,  # SYNC_BN_TYPE: apex
    devices.deepcluster_device,  # DeepClusterV2 on a CPU
    devices.nce_device,
    devices.extraction_device,  # features and clusters on a CPU
    devices.gather_device,
    devices.nearest_neighbor_device,  # the kNN tool on a CPU
    devices.xcit_batch_norm,  # XCiT on a CPU
    devices.teacher_batch_norm,  # teachers with batch norm on a CPU
    files.jigsaw_permutations,  # made, not fetched
    files.safe_checkpoints,  # torch.load runs nothing
    files.atomic_checkpoints,  # never half a file
    files.named_files,  # a full disk
    files.resumable_folder,  # damaged checkpoints are set aside
    files.launcher_error,
    files.hooks_of_interrupts,  # Ctrl-C
    diverged.not_finite,  # NaN and infinity
    diverged.finite_checkpoints,
    console.run_logging,
    console.statistics_log,
    console.logged_environment,  # no secrets in log.txt
    svm.average_precision,  # the SVM tools
    svm.mean_average_precision,
    svm.voc_samples,
)


def apply() -> None:
    """Apply all mends; calling it again changes nothing."""
    if MENDS not in sys.meta_path:
        silence_warnings()
    MENDS.install()
