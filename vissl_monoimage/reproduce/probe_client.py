"""Probes in forks of one process, which has imported VISSL and decoded their images once for all of them.

A fork starts where a new process is after its first seconds, and shares with others only what none of them changes: a
probe cannot tell which ones ran before it, and one that fails or is killed takes no other with it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from vissl_monoimage.compat.child_commands import parent_pipe
from vissl_monoimage.errors import MonoImageError

LONGEST_REQUEST = 1 << 20  # bytes
_SERVER = "vissl_monoimage.cli.probe_server"  # started as a command, as runs are
_KEEP_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
"""For glibc: what a batch frees serves the next one, where the kernel would take it back and clear it again."""


class ProbeClient:
    """Client of the probe server. Starts the server with the first probe, and again if it was killed.

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
        """End the server; probes that are still running end by themselves, with the thread that waits for them."""
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
            MonoImageError: the server was killed or cannot start, so that nothing is known of the probe.
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
            raise MonoImageError("the probe server was killed; run the same command again")
        return int(status)

    def _connect(self) -> socket.socket:
        with self._starting:
            if self._requests is None or self._process is None or self._process.poll() is not None:
                self._requests, requests = socket.socketpair(type=socket.SOCK_SEQPACKET)
                threads = {"OMP_NUM_THREADS": str(self._threads)} if self._threads else {}
                with requests:
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", _SERVER, str(requests.fileno())],
                        env={**_KEEP_FREED_MEMORY, **os.environ, **threads},
                        pass_fds=[requests.fileno()],
                    )
            return self._requests
