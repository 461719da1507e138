"""VISSL's log: off the console in `monoimage run`, no flood of errors on a full disk, and no secrets in log.txt."""

from __future__ import annotations

import functools
import logging
import os
import sys
from types import ModuleType
from typing import Any

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.log_file import LogFile
from vissl_monoimage.compat.process_settings import QUIET
from vissl_monoimage.compat.source_edit import attribute, edit, original, replace

# What decides how a run computes and where it is. All others, passwords and tokens among them, stay out of a log.
_LOGGED = {
    "RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
    "CUDA_VISIBLE_DEVICES", "CUDA_LAUNCH_BLOCKING", "CUBLAS_WORKSPACE_CONFIG", "PYTORCH_CUDA_ALLOC_CONF",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_PROC_BIND", "KMP_AFFINITY", "THP_MEM_ALLOC_ENABLE",
    "NCCL_DEBUG", "NCCL_SOCKET_IFNAME", "NCCL_SOCKET_NTHREADS", "NCCL_IB_DISABLE", "GLOO_SOCKET_IFNAME",
    "SLURM_JOB_ID", "SLURM_JOBID", "SLURM_NODEID", "SLURM_PROCID", "SLURM_LOCALID", "SLURMD_NODENAME",
    "SLURM_STEP_NODELIST", "PYTHONHASHSEED", "LD_PRELOAD", "VISSL_DATASET_CATALOG_PATH", "MONOIMAGE_DATA",
}  # fmt: skip

_OPEN = (r"g_pathmgr\.open\(", "monoimage_log_file(")


@MENDS.after("vissl.utils.logger")
def run_logging(logger: ModuleType) -> None:
    """Every step is logged to the console, and a full disk prints a traceback for each line: vissl/utils/logger.py.

    With the environment variable MONOIMAGE_QUIET_CONSOLE only errors go to the console; log.txt has everything. A log
    that cannot be written ends with one sentence. Guard: the variable is not set; the disk is not full.
    """
    setup = original(logger, "setup_logging")

    @functools.wraps(setup)
    def setup_logging(*args: Any, **kwargs: Any) -> None:
        setup(*args, **kwargs)
        for handler in logging.root.handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout and os.environ.get(QUIET):
                handler.setLevel(logging.ERROR)

    replace(logger, "setup_logging", setup_logging)
    logger.monoimage_log_file = LogFile  # type: ignore[attr-defined]
    edit(attribute(logger, "_cached_log_stream"), _OPEN)


@MENDS.after("vissl.hooks.log_hooks")
def statistics_log(hooks: ModuleType) -> None:
    """`OSError: [Errno 28] No space left on device` of stdout.json, also at exit: vissl/hooks/log_hooks.py.

    That file ends with one sentence. Guard: the disk is not full.
    """
    hooks.monoimage_log_file = LogFile  # type: ignore[attr-defined]
    edit(hooks.LogLossLrEtaHook.__init__, _OPEN)


@MENDS.after("vissl.utils.env")
def logged_environment(env: ModuleType) -> None:
    """Secrets are in log.txt, with the rest of the environment: vissl/utils/env.py.

    Only the variables that decide how a run computes and where it is are logged.
    """
    env.monoimage_logged = _LOGGED.intersection  # type: ignore[attr-defined]
    edit(env.print_system_env_info, (r"list\(current_env\.keys\(\)\)", "list(monoimage_logged(current_env))"))
