"""Every mend that unmodified VISSL 0.1.6 needs on today's stack: this file is the index of them all.

A mend is a function registered for the modules it repairs. It runs when they are first imported (or at once
where they already are), so that importing us costs nothing by itself. Each names the symptom, VISSL's file,
and the guard that makes it do nothing where VISSL works without it; where a mend only edits a line, the guard
is that a line which is not there is not changed. Nothing is written to VISSL's files.
"""

from __future__ import annotations

import logging
import sys
import warnings

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.mends import apex, devices, diverged, files, imports, svm

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
    files.whole_checkpoints,  # never half a file
    files.launcher_error,
    diverged.not_finite,  # NaN and infinity
    svm.average_precision,  # the SVM tools
    svm.mean_average_precision,
    svm.voc_samples,
)


def apply() -> None:
    """Apply all mends; calling it again changes nothing."""
    if MENDS not in sys.meta_path:
        _quiet()
    MENDS.install()


def _quiet() -> None:
    """Silence the warnings, and only these, of what VISSL calls at every import and step."""
    for message in (
        r".*torch\.cuda\.amp\.\w+\(args\.\.\.\)` is deprecated",
        r".*`torch\.jit\.\w+` is deprecated",
        r".*torchvision\.transforms\._(functional|transforms)_video' module is deprecated",
        r".*pkg_resources is deprecated as an API",
        r"\s*The version_base parameter is not specified",
    ):
        warnings.filterwarnings("ignore", message)
    # Said of every machine with CUDA's compiler and no GPU, though nothing is compiled.
    no_runtime = "No CUDA runtime is found"
    logging.getLogger("torch.utils.cpp_extension").addFilter(lambda record: no_runtime not in str(record.msg))
