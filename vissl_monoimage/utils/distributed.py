"""Which process of a distributed run this is, and of how many."""

from __future__ import annotations

import torch


def rank() -> int:
    """Return the rank of this process, 0 where nothing is distributed."""
    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0


def world_size() -> int:
    """Return the number of processes of the run, 1 where nothing is distributed."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def is_primary() -> bool:
    """Whether this process writes files and prints progress: rank 0."""
    return rank() == 0


def gloo_problem() -> str:
    """Return why processes cannot work together on the CPU here, "" where one process with itself can."""
    if torch.distributed.is_initialized():
        return ""
    try:
        alone = torch.distributed.HashStore()  # type: ignore[attr-defined]
        torch.distributed.init_process_group("gloo", store=alone, rank=0, world_size=1)
        torch.distributed.all_reduce(torch.ones(1))
        torch.distributed.destroy_process_group()
    except (RuntimeError, ValueError) as error:  # no network interface, a build of torch without gloo
        return f"not usable: {str(error).splitlines()[0]}"
    return ""
