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
