"""Commands in processes of their own, without the cost of importing torch and VISSL again.

As a script, a server: for each line on its standard input it forks, and the fork becomes what is asked for.
The imports are more than half of what a run of a few steps costs. Ending the interpreter would cost as much
again, since to free an object a fork first copies the page that it shares with the server: forks end after their
exit handlers. The ranks of a run are forks too, where VISSL spawns them; test_launch.py has ranks that are spawned.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vissl_monoimage.cli.preload import preload_run

_SECONDS = 1800  # a run may take
_OUTPUT = ("out", "err")


def monoimage(*arguments: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `monoimage ARGUMENTS` in the folder `cwd`; fail the test if the exit status is not `status`."""
    return _checked(_run(arguments, cwd), status)


def python(code: str, *arguments: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `python -c CODE ARGUMENTS` in a process that has VISSL and our plugin already; else as `monoimage`.

    The status of a process that a signal has ended is negative.
    """
    return _checked(_run(arguments, cwd, code=code), status)


def script(path: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `python PATH ARGUMENTS` in a process that has VISSL and our plugin already; else as `monoimage`."""
    return _checked(_run(arguments, cwd, script=str(path)), 0)


def kill_when(condition: Callable[[], Any], *arguments: str, cwd: Path) -> None:
    """Run `monoimage ARGUMENTS`, and kill it and its children with SIGKILL as soon as `condition()` holds."""
    run = Running(*arguments, cwd=cwd)
    run.wait_until(condition)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.end().returncode == -signal.SIGKILL


class Running:
    """A `monoimage` command that runs beside this process, as leader of a group and session; one at a time.

    With `spawns` its ranks are spawned, as everywhere but in these tests.
    """

    def __init__(self, *arguments: str, cwd: Path, spawns: bool = False) -> None:
        self._arguments = arguments
        self._folder = tempfile.TemporaryDirectory()
        self._server = _request(arguments, cwd, self._folder.name, leads=True, spawns=spawns)
        self._status: int | None = None
        self.pid = int(self._server.stdout.readline())

    def has_ended(self, seconds: float = 0) -> bool:
        """Return whether the command has ended, or does within these seconds."""
        return self._status is not None or bool(select.select([self._server.stdout], [], [], seconds)[0])

    def wait_until(self, condition: Callable[[], Any]) -> None:
        """Wait until `condition()` holds; fail the test if the command ends before."""
        deadline = time.monotonic() + _SECONDS
        while not condition():
            assert not self.has_ended(0.002), self.end()
            assert time.monotonic() < deadline

    def processes(self) -> list[int]:
        """Return the processes of the command's session that have not ended."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:  # it has ended meanwhile
                continue
            if int(session) == self.pid and state != "Z":
                found.append(int(entry.name))
        return sorted(found)

    def end(self, seconds: float = 200) -> subprocess.CompletedProcess[str]:
        """Return status and output of the command, which must end within these seconds."""
        if self._status is None:
            assert self.has_ended(seconds), f"it has not ended within {seconds} s"
            self._status = int(self._server.stdout.readline())
        stdout, stderr = (Path(self._folder.name, name).read_text() for name in _OUTPUT)
        return subprocess.CompletedProcess(self._arguments, self._status, stdout, stderr)


def _checked(done: subprocess.CompletedProcess[str], status: int) -> subprocess.CompletedProcess[str]:
    assert done.returncode == status, f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done


def _run(arguments: tuple[str, ...], cwd: Path, **program: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        status = int(_request(arguments, cwd, folder, **program).stdout.readline())
        stdout, stderr = (Path(folder, name).read_text() for name in _OUTPUT)
    return subprocess.CompletedProcess(arguments, status, stdout, stderr)


def _request(arguments: tuple[str, ...], cwd: Path, folder: str, **options: str | bool) -> Any:
    server = _server()
    output = [str(Path(folder, name)) for name in _OUTPUT]
    request = {"arguments": arguments, "cwd": str(cwd), "output": output, "environment": _environment(), **options}
    print(json.dumps(request), file=server.stdin, flush=True)
    return server


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
    """Fork for every request and report its exit status; return, in the fork alone, its request.

    A fork that is to lead a session is reported before, by its number.
    """
    for line in sys.stdin:
        request = json.loads(line)
        leads = request.pop("leads", False)
        fork = os.fork()
        if not fork:
            if leads:
                os.setsid()
            return dict(request)
        if leads:
            print(fork, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]), flush=True)
    raise SystemExit


def _answer(cwd: str, output: list[str], environment: dict[str, str], **program: Any) -> None:
    signal.alarm(_SECONDS)
    for number, file in enumerate([os.devnull, *output]):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path[0] = cwd
    status = 0
    try:
        _execute(**program)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    _end(status)


def _execute(arguments: list[str], code: str = "", script: str = "", spawns: bool = False) -> None:
    """Become the main module that is asked for."""
    if not spawns:
        ranks: Any = importlib.import_module("torch.multiprocessing")
        ranks.spawn = functools.partial(ranks.start_processes, start_method="fork")
    sys.argv = [script or "-c", *arguments]
    if script:
        runpy.run_path(script, run_name="__main__")
    elif code:
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(code, vars(sys.modules["__main__"]))
    else:
        runpy.run_module("vissl_monoimage", run_name="__main__", alter_sys=True)


def _end(status: int) -> None:
    """End the process as the interpreter does, but free nothing."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    for name in ("vissl_monoimage.plugin", "sklearn.cluster", "vissl_monoimage.report.write"):
        importlib.import_module(name)  # for reports and benchmarks
    preload_run()
    _answer(**_serve())
