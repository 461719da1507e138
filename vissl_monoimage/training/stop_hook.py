"""The end of a training at Ctrl-C or SIGTERM, with a checkpoint."""

from __future__ import annotations

from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from vissl.hooks.log_hooks import LogLossMetricsCheckpointHook

from vissl_monoimage.compat import signals
from vissl_monoimage.compat.private_api import save_checkpoint_now
from vissl_monoimage.utils.distributed import world_size


class StopHook(ClassyHook):
    """Save a checkpoint after the training step at which Ctrl-C or SIGTERM comes, and end the run.

    A resumed run goes on with the next step. Must come after VISSL's own hooks, which save what is due.
    """

    on_end = ClassyHook._noop

    def __init__(self) -> None:
        super().__init__()
        self._ranks: Any = None

    def on_start(self, task: Any) -> None:
        """Make a group of the ranks that agrees on the CPU: with NCCL each step would wait for the GPU."""
        if world_size() > 1:
            self._ranks = torch.distributed.new_group(backend="gloo")

    def on_phase_start(self, task: Any) -> None:
        signals.set_stepping(True)

    def on_step(self, task: Any) -> None:
        # After the last training step of an epoch the checkpoint is that of the epoch's end.
        is_last = task.train and not task.iteration % len(task.dataloaders["train"])
        if self._any_rank_is_asked_to_stop() and not is_last:
            _stop(task, "iteration", task.iteration)

    def on_phase_end(self, task: Any) -> None:
        if self._any_rank_is_asked_to_stop():
            _stop(task, "phase", task.train_phase_idx)
        signals.set_stepping(False)

    def _any_rank_is_asked_to_stop(self) -> bool:
        """Return whether a rank has had a signal: the same answer in all ranks, which stop after the same step."""
        asked = torch.tensor(float(signals.stop_requested()))
        if world_size() > 1:
            torch.distributed.all_reduce(asked, torch.distributed.ReduceOp.MAX, self._ranks)
        return bool(asked)


def _stop(task: Any, mode: str, number: int) -> None:
    save_checkpoint_now(task, LogLossMetricsCheckpointHook, mode, number)  # in all ranks: each may hold a part of it
    signals.stop_now()
