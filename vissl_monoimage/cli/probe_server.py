"""The process whose forks are the probes of `monoimage reproduce`, which starts it (`reproduce/probe_client.py`)."""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import runpy
import select
import socket
import sys
from collections.abc import Sequence
from typing import Any

from vissl_monoimage.cli.preload import preload_run
from vissl_monoimage.compat.child_commands import PARENT_PIPE, become_command, fork_command, serve_commands
from vissl_monoimage.reproduce.probe_client import LONGEST_REQUEST
from vissl_monoimage.utils.folder_lock import INHERITED

_INTERRUPTED = 130  # exit status


def _serve(requests: socket.socket) -> tuple[list[str], list[int]]:
    """Fork for every request and answer with the exit statuses; return, in a fork alone, its words and descriptors."""
    running: dict[int, tuple[int, int]] = {}  # descriptor of a fork -> its id, and where its status goes
    while True:
        ready: list[Any] = select.select([requests, *running], [], [])[0]  # type: ignore[type-var]
        for fork in (each for each in ready if each in running):
            ended, answers = running.pop(fork)
            status = os.waitstatus_to_exitcode(os.waitpid(ended, 0)[1])
            _answer(answers, status)
            _close(fork, answers)
        if requests in ready:
            message, files, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 4)
            if not message:
                os._exit(0)
            request = json.loads(message)
            if request["images"]:
                _prepare(*request["images"])
            gc.freeze()
            process = fork_command()
            if process is None:
                _answer(files[0], _INTERRUPTED)
                _close(*files)
                continue
            if not process:
                _close(files[0], requests.detach(), *running, *(answers for _, answers in running.values()))
                return request["words"], files[1:]
            _close(*files[1:])
            running[os.pidfd_open(process)] = process, files[0]


def _answer(answers: int, status: int) -> None:
    with contextlib.suppress(OSError):  # nobody waits for it any more
        os.write(answers, str(status).encode())


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@functools.cache
def _prepare(train: str, test: str) -> None:
    """Do once what every probe does with its images; each finds out for itself whether files were changed since.

    A probe does for itself what fails here, and reports it where it fails there too.
    """
    from torchvision.datasets import ImageFolder

    from vissl_monoimage.data.decoded_images import keep_decoded
    from vissl_monoimage.probe.data_deviations import MOST_FILES, count_shared

    try:
        splits = [[path for path, _ in ImageFolder(folder).samples] for folder in (train, test)]
        for paths in splits:
            keep_decoded(paths)
        if sum(map(len, splits)) <= MOST_FILES:
            count_shared(*splits)
    except Exception as error:  # such as MemoryError: it must not end the probes that are running
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"each probe decodes its images itself, for decoding them once failed: {reason}", file=sys.stderr)


def _become_monoimage(words: Sequence[str], lock: int, output: int, pipe: int) -> None:
    become_command({INHERITED: str(lock), PARENT_PIPE: str(pipe)})
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    sys.argv[1:] = words
    runpy.run_module("vissl_monoimage", run_name="__main__", alter_sys=True)


def _main(requests: int) -> None:
    serve_commands()
    preload_run()
    words, descriptors = _serve(socket.socket(fileno=requests))
    _become_monoimage(words, *descriptors)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
