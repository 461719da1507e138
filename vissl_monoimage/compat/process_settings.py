"""Every change that this package makes to the whole process it runs in, VISSL's code apart."""

from __future__ import annotations

import contextlib
import functools
import logging
import multiprocessing
import os
import warnings
from collections.abc import Iterator
from typing import Any

QUIET = "MONOIMAGE_QUIET_CONSOLE"


def silence_warnings() -> None:
    """Silence these warnings of what VISSL calls at every import and step, and no others."""
    for message in (
        r".*torch\.cuda\.amp\.\w+\(args\.\.\.\)` is deprecated",
        r".*`torch\.jit\.\w+` is deprecated",
        r".*`broadcast_buffers` is deprecated",
        r".*torchvision\.transforms\._(functional|transforms)_video' module is deprecated",
        r".*pkg_resources is deprecated as an API",
        r"\s*The version_base parameter is not specified",
    ):
        warnings.filterwarnings("ignore", message)
    # Logged on every machine with CUDA's compiler and no GPU, though nothing is compiled.
    no_runtime = "No CUDA runtime is found"
    logging.getLogger("torch.utils.cpp_extension").addFilter(lambda record: no_runtime not in str(record.msg))


def use_large_pages() -> None:
    """Let torch ask the kernel for pages of 2 MB, unless THP_MEM_ALLOC_ENABLE is set already.

    On a CPU much of a training step goes into the page faults of small ones: 1.6 to 2 times the speed.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


@contextlib.contextmanager
def quiet_console(quiet: bool) -> Iterator[None]:
    """Set in the environment, which the training processes inherit, whether VISSL's log stays off the console.

    What the process or a command that it starts does after the block is not affected.
    """
    before = os.environ.get(QUIET)
    os.environ[QUIET] = "1" if quiet else ""
    try:
        yield
    finally:
        if before is None:
            del os.environ[QUIET]
        else:
            os.environ[QUIET] = before


def use_one_opencv_thread() -> None:
    """Keep OpenCV from using threads: a crop is too small to share, and loader workers would fight over the cores."""
    import cv2

    cv2.setNumThreads(1)


def keep_image_memory() -> None:
    """Let Pillow keep the memory of the image that was freed last, at most 16 MB, for the next one.

    Where the C library returns large blocks to the kernel, new memory costs as much as what is drawn in it.
    """
    from PIL import Image

    Image.core.set_blocks_max(max(1, Image.core.get_blocks_max()))  # type: ignore[attr-defined]  # documented


def allow_vissl_types() -> None:
    """Let torch's restricted unpickler build the plain values in VISSL's own files (`safe_load.vissl_types`)."""
    import torch

    from vissl_monoimage.utils.safe_load import vissl_types

    torch.serialization.add_safe_globals(vissl_types())


@functools.cache
def parse_yaml_with_libyaml() -> None:
    """Let OmegaConf, and so Hydra, parse YAML with libyaml: composing a configuration takes half as long.

    Values and the errors for duplicate keys stay as they are, for OmegaConf's own loader constructs them.
    """
    import omegaconf._utils
    import yaml

    if not yaml.__with_libyaml__:
        return
    pure: Any = omegaconf._utils.get_yaml_loader()
    parser: Any = vars(yaml.cyaml)["CParser"]

    class Loader(parser, pure):
        def __init__(self, stream: Any) -> None:
            parser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    omegaconf._utils.get_yaml_loader = lambda: Loader


def preload_forkserver(*modules: str) -> None:
    """Let loader workers, of which VISSL starts new ones for every phase, be forks of a server with these modules."""
    multiprocessing.set_forkserver_preload(["__main__", *modules])  # the first is Python's own default


ALL = (
    silence_warnings,
    use_large_pages,
    quiet_console,
    use_one_opencv_thread,
    keep_image_memory,
    allow_vissl_types,
    parse_yaml_with_libyaml,
    preload_forkserver,
)
