"""The end of a training at Ctrl-C or SIGTERM, with a checkpoint."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from vissl.hooks.log_hooks import LogLossMetricsCheckpointHook

from vissl_monoimage.compat import signals
from vissl_monoimage.compat.private_api import save_checkpoint_now
from vissl_monoimage.utils.distributed import is_primary, world_size


class StopHook(ClassyHook):
    """Save a checkpoint after the training step at which Ctrl-C or SIGTERM comes, and end the run.

    A resumed run goes on with the next step. A sharded run ends without that checkpoint, and says so. Must come after
    VISSL's own hooks, which save what is due.
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
    # Where every rank holds a part of the weights or of the optimizer's state, they would have to agree on the step.
    is_sharded = world_size() > 1 and hasattr(task.optimizer, "consolidate_state_dict")
    if not is_sharded:
        save_checkpoint_now(task, LogLossMetricsCheckpointHook, mode, number)
    elif is_primary():
        print(without_checkpoint(Path(task.checkpoint_folder), mode, number), file=sys.stderr, flush=True)
    signals.stop_now()


def without_checkpoint(folder: Path, mode: str, number: int) -> str:
    """Return the sentence that no checkpoint is saved of a run in `folder`, and what its resumption begins with."""
    place = f"step {number}" if mode == "iteration" else f"epoch {number + 1}"
    latest = folder / "checkpoint.torch"
    resumed = f"continues from {latest.resolve().name}" if latest.exists() else "begins anew, for there is none before"
    return f"no checkpoint of {place} is saved, for each process holds a part of it: the same command {resumed}"
