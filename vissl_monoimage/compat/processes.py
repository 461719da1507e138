"""Our plugin in every process VISSL starts: training ranks, loader workers, SLURM jobs.

A child process unpickles VISSL's functions and data sets, and so imports VISSL before us, unmended. Each
is therefore sent by a name of ours, whose import brings the plugin along. Loader workers, of which VISSL starts
new ones for every phase, are forks of a server that has imported all this once.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from vissl.data.ssl_dataset import GenericSSLDataset
from vissl.utils import distributed_launcher

_distributed_worker = distributed_launcher._distributed_worker


def install() -> None:
    """Replace what VISSL sends to its children; doing it again changes nothing."""
    distributed_launcher._distributed_worker = train_rank
    distributed_launcher._ResumableSlurmJob = SlurmJob
    ForkingPickler.register(GenericSSLDataset, _reduce_dataset)
    multiprocessing.set_forkserver_preload(["__main__", __name__])  # the first is Python's own


def train_rank(*args: Any, **kwargs: Any) -> None:
    """VISSL's worker, found in a spawned child by our module's name.

    It leaves no process group of its own: the next run of a script may be on another device, and NCCL warns at exit.
    """
    given = torch.distributed.is_initialized()
    _distributed_worker(*args, **kwargs)
    if not given and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


class SlurmJob(distributed_launcher._ResumableSlurmJob):
    """VISSL's SLURM job, found on the node by our module's name."""

    def checkpoint(self) -> Any:
        """Called by submitit before a preempted job is requeued: the same job again, which resumes."""
        import submitit

        return submitit.helpers.DelayedSubmission(SlurmJob(engine_name=self.engine_name, config=self.config))


def _reduce_dataset(dataset: GenericSSLDataset) -> tuple[Any, ...]:
    return _restore_dataset, (type(dataset), dataset.__dict__)


def _restore_dataset(kind: type[Any], state: dict[str, Any]) -> Any:
    dataset = object.__new__(kind)
    dataset.__dict__.update(state)
    return dataset
