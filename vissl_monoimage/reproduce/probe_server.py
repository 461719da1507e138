"""Probes in forks of one process, which has imported VISSL and decoded their images once for all of them.

A fork starts where a new process is after its first seconds, and shares with others only what none of them changes: a
probe cannot tell which ones ran before it, and one that fails or is killed takes no other with it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from vissl_monoimage.compat.child_commands import PARENT_PIPE, become_command, parent_pipe, serve_commands
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.folder_lock import INHERITED

_PRELOADED = ("vissl_monoimage.launch", "vissl.hooks", "vissl.utils.distributed_launcher", "torch._dynamo")
_KEEP_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
"""For glibc: what a batch frees serves the next one, where the kernel would take it back and clear it again."""
_LONGEST = 1 << 20  # bytes of a request


class ProbeServer:
    """The client of such a process, which starts it with the first probe, and again if it was killed.

    Args:
        threads: of torch in each probe; None leaves their number to the probe.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process; probes that are still running end by themselves, with the thread that waits for them."""
        if self._requests and self._process:
            self._requests.close()
            self._process.wait()

    def run(self, words: Sequence[str], images: Sequence[Path], lock: int, output: int) -> int:
        """Run `monoimage WORDS` in a fork, and wait for its end; several threads may do so at a time.

        Args:
            words: the command line.
            images: folders of the training and test images that are decoded for all probes, {class}/*; or none.
            lock: descriptor of the lock on the folder of the run, which the fork holds too (`folder_lock`).
            output: descriptor of the file that it prints to.

        Returns:
            The exit status, negative for a signal, as subprocess has it.

        Raises:
            MonoImageError: the process was killed or cannot start, so that nothing is known of the probe.
        """
        request = json.dumps({"words": list(words), "images": [str(folder) for folder in images]}).encode()
        reply, answers = socket.socketpair()
        with reply, answers, parent_pipe() as pipe:
            try:
                socket.send_fds(self._connect(), [request], [answers.fileno(), lock, output, pipe])
                answers.close()
                status = reply.recv(16)
            except OSError:
                status = b""
        if not status:
            raise MonoImageError("the process whose forks are the probes has ended; the same command starts it again")
        return int(status)

    def _connect(self) -> socket.socket:
        with self._starting:
            if self._requests is None or self._process is None or self._process.poll() is not None:
                self._requests, requests = socket.socketpair(type=socket.SOCK_SEQPACKET)
                threads = {"OMP_NUM_THREADS": str(self._threads)} if self._threads else {}
                with requests:
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", __name__, str(requests.fileno())],
                        env={**_KEEP_FREED_MEMORY, **os.environ, **threads},
                        pass_fds=[requests.fileno()],
                    )
            return self._requests


def _serve(requests: socket.socket) -> tuple[list[str], list[int]]:
    """Fork for every request and answer with the exit statuses; return, in a fork alone, its words and descriptors."""
    running: dict[int, tuple[int, int]] = {}  # descriptor of a fork -> its id, and where its status goes
    while True:
        ready: list[Any] = select.select([requests, *running], [], [])[0]  # type: ignore[type-var]
        for fork in (each for each in ready if each in running):
            process, answers = running.pop(fork)
            status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            with contextlib.suppress(OSError):  # nobody waits for it any more
                os.write(answers, str(status).encode())
            _close(fork, answers)
        if requests in ready:
            message, files, _, _ = socket.recv_fds(requests, _LONGEST, 4)
            if not message:
                os._exit(0)
            request = json.loads(message)
            if request["images"]:
                _prepare(*request["images"])
            gc.freeze()
            process = os.fork()
            if not process:
                _close(files[0], requests.detach(), *running, *(answers for _, answers in running.values()))
                return request["words"], files[1:]
            _close(*files[1:])
            running[os.pidfd_open(process)] = process, files[0]


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@functools.cache
def _prepare(train: str, test: str) -> None:
    """Do once what every probe does with its images; each finds out for itself whether files were changed since."""
    from torchvision.datasets import ImageFolder

    from vissl_monoimage.data.decoded_images import keep_decoded
    from vissl_monoimage.probe.data_deviations import MOST_FILES, count_shared

    with contextlib.suppress(OSError):  # the probe reports it
        splits = [[path for path, _ in ImageFolder(folder).samples] for folder in (train, test)]
        for paths in splits:
            keep_decoded(paths)
        if sum(map(len, splits)) <= MOST_FILES:
            count_shared(*splits)


def _become_monoimage(words: Sequence[str], lock: int, output: int, pipe: int) -> None:
    become_command({INHERITED: str(lock), PARENT_PIPE: str(pipe)})
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    sys.argv[1:] = words
    runpy.run_module("vissl_monoimage", run_name="__main__", alter_sys=True)


def _main(requests: int) -> None:
    serve_commands()
    for name in _PRELOADED:
        importlib.import_module(name)
    words, descriptors = _serve(socket.socket(fileno=requests))
    _become_monoimage(words, *descriptors)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
