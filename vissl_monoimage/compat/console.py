"""Keeps VISSL's log off the console of `monoimage run`, where our progress is; the run's log.txt has all of it."""

from __future__ import annotations

import functools
import logging
import os
import sys
from types import ModuleType
from typing import Any

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.process_settings import QUIET
from vissl_monoimage.compat.source_edit import original, replace


@MENDS.after("vissl.utils.logger")
def quiet_logging(logger: ModuleType) -> None:
    """VISSL logs every step to the console: vissl/utils/logger.py.

    Where the environment variable MONOIMAGE_QUIET_CONSOLE is set, only errors go there. Guard: it is not set.
    """
    setup = original(logger, "setup_logging")

    @functools.wraps(setup)
    def setup_logging(*args: Any, **kwargs: Any) -> None:
        setup(*args, **kwargs)
        if not os.environ.get(QUIET):
            return
        for handler in logging.root.handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
                handler.setLevel(logging.ERROR)

    replace(logger, "setup_logging", setup_logging)
