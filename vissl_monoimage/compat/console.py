"""Keeps VISSL's log off the console of `monoimage run`, where our progress is; its log.txt has all of it."""

from __future__ import annotations

import functools
import logging
import os
import sys
from types import ModuleType
from typing import Any

from vissl_monoimage.compat.index import MENDS

QUIET = "MONOIMAGE_QUIET_CONSOLE"


@MENDS.after("vissl.utils.logger")
def hush_console(logger: ModuleType) -> None:
    """Wrap VISSL's `setup_logging`; the environment variable reaches the training processes too."""
    setup = logger.setup_logging

    @functools.wraps(setup)
    def setup_logging(*args: Any, **kwargs: Any) -> None:
        setup(*args, **kwargs)
        if not os.environ.get(QUIET):
            return
        for handler in logging.root.handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
                handler.setLevel(logging.ERROR)

    logger.setup_logging = setup_logging  # type: ignore[attr-defined]
