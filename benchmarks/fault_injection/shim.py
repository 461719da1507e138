"""The shared library that makes writes fail (`shim.c`), and its environment variables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "LD_PRELOAD"


def load(folder: Path) -> None:
    """Begin this process again with the library, which is compiled in `folder`; do nothing where it has it already.

    Raises:
        OSError: there is no C compiler, `cc`.
        subprocess.CalledProcessError: it fails.
    """
    if _VARIABLE in os.environ:
        return
    library = folder / "shim.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"], check=True)
    os.execve(sys.executable, sys.orig_argv, {**os.environ, _VARIABLE: str(library)})


@contextmanager
def armed(**variables: object) -> Iterator[None]:
    """Set FAULT_ROOT and the others for the processes that start in this block; this one has no faults."""
    values = {f"FAULT_{name.upper()}": str(value) for name, value in variables.items()}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]
