"""Our plugin in every process VISSL starts: training ranks, loader workers, SLURM jobs.

A child process unpickles VISSL's functions and data sets, and so imports VISSL before us, unadapted. They
are therefore sent under a name of ours, whose import loads the plugin. Loader workers are forks of a server that has
imported all this once.
"""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from vissl.data.ssl_dataset import GenericSSLDataset
from vissl.utils import distributed_launcher
from vissl.utils.misc import set_dataloader_seeds

from vissl_monoimage.compat.parent_process import work_for_parent
from vissl_monoimage.compat.process_settings import preload_forkserver
from vissl_monoimage.compat.signals import join_run, stop_on_signals
from vissl_monoimage.compat.source_edit import original, replace

_distributed_worker = original(distributed_launcher, "_distributed_worker")
_launch_distributed = original(distributed_launcher, "launch_distributed")
_SlurmJob: Any = original(distributed_launcher, "_ResumableSlurmJob")

around_launch: list[Callable[[Any, int, str], AbstractContextManager[None]]] = []
"""Contexts that `plugin` adds; each is entered with (config, node_id, engine_name) around a launch on this machine."""


def install() -> None:
    """Replace what VISSL sends to its children; calling it again changes nothing."""
    replace(distributed_launcher, "launch_distributed", launch_distributed)
    replace(distributed_launcher, "_distributed_worker", train_rank)
    replace(distributed_launcher, "_ResumableSlurmJob", SlurmJob)
    ForkingPickler.register(GenericSSLDataset, reduce_dataset)
    preload_forkserver(__name__, "vissl_monoimage.compat.fork_server")


def launch_distributed(
    cfg: Any, node_id: int, engine_name: str, hook_generator: Callable[[Any], list[ClassyHook]]
) -> None:
    """Launch on this machine inside `around_launch`, whether our launcher, VISSL's or a SLURM job asks for it."""
    with ExitStack() as stack:
        for context in around_launch:
            stack.enter_context(context(cfg, node_id, engine_name))
        _launch_distributed(cfg=cfg, node_id=node_id, engine_name=engine_name, hook_generator=hook_generator)


def train_rank(*args: Any, **kwargs: Any) -> None:
    """Run VISSL's worker; a spawned child finds this function by our module's name.

    It leaves no process group of its own: the next run of a script may be on another device, and NCCL warns at exit.
    """
    join_run()
    given = torch.distributed.is_initialized()
    _distributed_worker(*args, **kwargs)
    if not given and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def requeue_signal() -> int:
    """Return the signal that submitit asks SLURM to send before a job is ended (`_usr_sig`)."""
    from submitit.core.job_environment import JobEnvironment

    return int(JobEnvironment._usr_sig())


class SlurmJob(_SlurmJob):
    """VISSL's SLURM job, which a node finds by our module's name.

    Before it is preempted or times out, SLURM sends to all its processes the signal at which submitit requeues it: it
    first saves a checkpoint of its step. scancel's SIGTERM, which comes with a preemption as well, is left to submitit,
    which ignores it.
    """

    def __call__(self) -> None:
        """Train on this node, and save a checkpoint before submitit requeues the job, as it does on the first node."""
        import submitit

        self._submitted = copy.deepcopy(self.config)  # a run changes its own: it would not be resumed with that
        number = requeue_signal()
        requeue: Any = signal.getsignal(number)
        distributed = self.config.DISTRIBUTED
        try:
            with stop_on_signals(distributed.NUM_NODES * distributed.NUM_PROC_PER_NODE > 1, (number,)):
                super().__call__()
        except KeyboardInterrupt:
            if not submitit.JobEnvironment().global_rank:
                requeue(number, None)

    def checkpoint(self) -> Any:
        """Return the same job again, which resumes; submitit calls this before it requeues a preempted job."""
        import submitit

        return submitit.helpers.DelayedSubmission(SlurmJob(engine_name=self.engine_name, config=self._submitted))


def start_worker(worker: int) -> None:
    """Seed a loader worker as VISSL does, and let it end with the process that started it."""
    work_for_parent()
    set_dataloader_seeds(worker)


def reduce_dataset(dataset: GenericSSLDataset) -> tuple[Any, ...]:
    """Pickle a data set of VISSL so that a loader worker restores it by our module's name."""
    return _restore_dataset, (type(dataset), dataset.__dict__)


def _restore_dataset(kind: type[Any], state: dict[str, Any]) -> Any:
    dataset = object.__new__(kind)
    dataset.__dict__.update(state)
    return dataset


ALL = (launch_distributed, train_rank, SlurmJob, start_worker, reduce_dataset)
