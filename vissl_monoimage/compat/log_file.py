"""Logs whose disk may be full: they end with one sentence, and the run goes on."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable


class LogFile:
    """A text file that is written to as to any other, until it cannot be written; the rest is lost.

    Args:
        name: its path.
        mode: of `open`.
        buffering: of `open`.
    """

    def __init__(self, name: str, mode: str, buffering: int) -> None:
        self.name = name
        self._file = open(name, mode, buffering)  # noqa: SIM115  # VISSL closes it at exit

    def write(self, text: str) -> None:
        self._try(lambda: self._file.write(text))

    def flush(self) -> None:
        self._try(self._file.flush)

    def close(self) -> None:
        self._try(self._file.close)

    def _try(self, do: Callable[[], object]) -> None:
        try:
            do()
        except OSError as error:
            print(f"{self.name} ends here: {error.strerror}", file=sys.stderr)
            with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self._file.fileno())  # for what is in its buffer, and all that follows
