"""A run that is asked to stop: its ranks agree on the step."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import torch

from vissl_monoimage.compat.signals import join_run, stop_on_signals
from vissl_monoimage.training.stop_hook import StopHook


def second_of_two_ranks_has_a_signal(rank: int, folder: str) -> None:
    join_run()
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/ranks", rank=rank, world_size=2)
    task = SimpleNamespace(train=True, iteration=0, dataloaders={"train": range(10)}, hooks=[], optimizer=None)
    hook = StopHook()
    hook.on_start(task)
    hook.on_phase_start(task)
    # With NCCL an agreement of the whole world's group would wait for the GPU: it must not be used.
    torch.distributed.all_reduce = lambda tensor, op, group: group.allreduce([tensor], op).wait()
    for task.iteration in range(1, 10):
        if rank and task.iteration == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        try:
            hook.on_step(task)
        except KeyboardInterrupt:
            break
    Path(folder, f"step{rank}").write_text(str(task.iteration))


def test_both_ranks_stop_after_the_step_in_which_one_has_a_signal(tmp_path: Path) -> None:
    with stop_on_signals(has_ranks=True):
        torch.multiprocessing.start_processes(
            second_of_two_ranks_has_a_signal, (str(tmp_path),), nprocs=2, start_method="fork"
        )
    assert [Path(tmp_path, f"step{rank}").read_text() for rank in range(2)] == ["4", "4"]
