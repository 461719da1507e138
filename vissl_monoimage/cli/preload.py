"""What a process imports whose forks become `monoimage run`."""

from __future__ import annotations

import gc
import importlib

_MODULES = (
    "vissl_monoimage.launch",
    "vissl.hooks",
    "vissl.utils.distributed_launcher",
    "torch._dynamo",
    "torch.utils.cpp_extension",  # with setuptools; VISSL's list of the environment imports it
)


def preload_run() -> None:
    """Import what a run needs, in the order in which it does, and keep forks from copying the pages of it all."""
    for name in _MODULES:
        importlib.import_module(name)
    from hydra.core.plugins import Plugins
    from PIL import Image

    from vissl_monoimage.config.compose import vissl_defaults

    Plugins.instance()  # finds and imports Hydra's plugins
    vissl_defaults()
    Image.init()  # imports Pillow's formats
    gc.collect()
    gc.freeze()  # a collection in a fork would write to all these objects
