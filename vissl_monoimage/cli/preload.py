"""What a process imports whose forks become `monoimage run`."""

from __future__ import annotations

import gc
import importlib

_MODULES = ("vissl_monoimage.launch", "vissl.hooks", "vissl.utils.distributed_launcher", "torch._dynamo")


def preload_run() -> None:
    """Import what a run needs, in the order in which it does, and keep forks from copying the pages of it all."""
    for name in _MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a fork would write to all these objects
