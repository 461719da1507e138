"""The `monoimage` command in a process of its own, without the cost of importing torch and VISSL again.

As a script, a server: for each line on its standard input it forks, and the fork becomes `python -m vissl_monoimage`.
The imports are more than half of what a run of a few steps costs. Ending the interpreter would cost as much
again, since to free an object a fork first copies the page that it shares with the server: forks end after their
exit handlers.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

_PRELOADED = ("vissl_monoimage.launch", "vissl.hooks", "vissl.utils.distributed_launcher", "torch._dynamo")
_SECONDS = 1800  # a run may take


def monoimage(*arguments: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `monoimage ARGUMENTS` in the folder `cwd`; fail the test if the exit status is not `status`."""
    with tempfile.TemporaryDirectory() as folder:
        output = [str(Path(folder, name)) for name in ("out", "err")]
        request = {"arguments": arguments, "cwd": str(cwd), "output": output}
        server = _server()
        print(json.dumps({**request, "environment": _environment()}), file=server.stdin, flush=True)
        found = int(server.stdout.readline())
        said, complained = (Path(file).read_text() for file in output)
    assert found == status, f"exit {found}\n{said[-3000:]}\n{complained[-6000:]}"
    return subprocess.CompletedProcess(arguments, found, said, complained)


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@functools.cache
def _server() -> Any:
    server = subprocess.Popen(
        [sys.executable, __file__], env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.kill)
    return server


def _serve() -> dict[str, Any]:
    """Fork for every request and report its exit status; return, in the fork alone, its request."""
    for line in sys.stdin:
        fork = os.fork()
        if not fork:
            return dict(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]), flush=True)
    raise SystemExit


def _become_monoimage(arguments: list[str], cwd: str, output: list[str], environment: dict[str, str]) -> None:
    signal.alarm(_SECONDS)
    for number, file in enumerate([os.devnull, *output]):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path[0], sys.argv[1:] = cwd, arguments
    status = 0
    try:
        runpy.run_module("vissl_monoimage", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    _end(status)


def _end(status: int) -> None:
    """End the process as the interpreter does, but free nothing."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a fork would copy the pages of all these objects
    _become_monoimage(**_serve())
