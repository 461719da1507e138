"""The weights that a trunk has before the first step: where they come from, their hash, and those of a pretraining."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row_parts import InitialWeights
from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.utils.atomic_write import replace_text

FILE_NAME = "initial_weights.json"
WEIGHTS_FILE = "initial_weights.pt"
"""Not `.torch`: VISSL takes any file of that ending in a run's folder for a checkpoint to resume from."""


def weights_sha256(state: Mapping[str, torch.Tensor]) -> str:
    """Return the sha256 over the tensors of a state dict, sorted by name: name, dtype, shape and bytes of each."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def note_initial_weights(
    folder: str | Path,
    iteration: int,
    origin: str,
    trunk: torch.nn.Module,
    load_report: LoadReport | None = None,
    keep: bool = False,
) -> InitialWeights:
    """Record the weights of a run that starts afresh in its folder, and return the record of a run that resumes.

    Args:
        folder: the run's checkpoint folder; `initial_weights.json` in it holds origin and hash.
        iteration: 0 for a run that starts afresh.
        origin: "random", "checkpoint" or "fixed".
        trunk: with its weights before the first step, if it starts afresh.
        load_report: of the checkpoint that the trunk was filled from, if any.
        keep: whether to keep the weights themselves too, in `initial_weights.pt`, a checkpoint like any other; those
            of a trunk that is sharded over processes are not kept.
    """
    path = Path(folder, FILE_NAME)
    if iteration:
        return _read(path, origin)
    state = {} if _is_sharded(trunk) else trunk.state_dict()
    counts = (load_report.loaded, load_report.total) if load_report else ()
    noted = InitialWeights(origin, weights_sha256(state) if state else None, *counts)
    if keep and state:
        save_trunk(trunk, Path(folder, WEIGHTS_FILE))
    replace_text(path, json.dumps(dataclasses.asdict(noted)) + "\n")
    return noted


def _read(path: Path, origin: str) -> InitialWeights:
    """Return what was recorded; without a hash where the file is missing or damaged."""
    try:
        return read_block(InitialWeights, json.loads(path.read_bytes()), str(path))
    except (OSError, ValueError, TypeError, MonoImageError):
        return InitialWeights(origin)


def _is_sharded(trunk: torch.nn.Module) -> bool:
    """Whether the processes hold a part of the weights each, which one process alone cannot collect."""
    return any(type(module).__name__.startswith("FullySharded") for module in trunk.modules())
