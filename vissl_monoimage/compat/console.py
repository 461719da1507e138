"""VISSL's log in `monoimage run`: off the console, where our progress is, and no flood of errors on a full disk."""

from __future__ import annotations

import contextlib
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
            if not isinstance(handler, logging.StreamHandler):
                continue
            if handler.stream is not sys.stdout:
                handler.handleError = functools.partial(_end_log, handler)  # type: ignore[method-assign]
            elif os.environ.get(QUIET):
                handler.setLevel(logging.ERROR)

    replace(logger, "setup_logging", setup_logging)


def _end_log(handler: Any, record: logging.LogRecord) -> None:
    """Take a handler out whose file cannot be written; other errors are reported as ever."""
    error = sys.exc_info()[1]
    if not isinstance(error, OSError):
        logging.Handler.handleError(handler, record)
        return
    logging.root.removeHandler(handler)
    with contextlib.suppress(OSError):
        handler.stream.close()  # VISSL closes it at exit, when what is still in its buffer would fail once more
    print(f"{handler.stream.name} ends here: {error.strerror}", file=sys.stderr)
