"""Runs that were stopped between their final checkpoint and their row in the ledger."""

from __future__ import annotations

import sys
from pathlib import Path

from classy_vision.tasks import TASK_REGISTRY
from vissl.config import AttrDict

from vissl_monoimage.ledger.io import read
from vissl_monoimage.ledger.task_vissl import ledger_path
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.training.task import MonoImageTask


def resume_if_unfinished(folder: Path, config: AttrDict) -> None:
    """Print that the run in a folder is finished, or make VISSL do its last phase again where its row is missing.

    VISSL takes a run with a final checkpoint for finished, and writes that checkpoint before the last test. A run with
    test data repeats the last test, from that checkpoint; another one repeats the last epoch, from the one before it.

    Args:
        folder: of the run, which this process holds.
        config: what lies below VISSL's `config`, as it is launched; changed if the last phase is to be repeated.
    """
    final = max(folder.glob("model_final_checkpoint_*.torch"), default=None)
    if final is None or config.CHECKPOINT.OVERWRITE_EXISTING:
        return
    if not issubclass(TASK_REGISTRY[config.TRAINER.TASK_NAME], MonoImageTask) or _has_row(folder, config, final):
        print(
            f"'{folder}' holds this run, finished ({final.name}): nothing is trained. To train it again choose "
            "another config.CHECKPOINT.DIR, or set config.CHECKPOINT.OVERWRITE_EXISTING=true.",
            file=sys.stderr,
        )
        return
    repeated = "last test" if config.TEST_MODEL else "last epoch"
    print(
        f"'{folder}' holds the final checkpoint of this run, but the ledger has no row of it: the {repeated} is "
        "repeated",
        file=sys.stderr,
    )
    link = folder / "checkpoint.torch"
    config.CHECKPOINT.OVERWRITE_EXISTING = True  # or VISSL trains nothing
    config.CHECKPOINT.USE_SYMLINK_CHECKPOINT_FOR_RESUME = config.TEST_MODEL and link.resolve() == final.resolve()


def _has_row(folder: Path, config: AttrDict, checkpoint: Path) -> bool:
    ledger = ledger_path(config, folder)
    if not ledger.is_file():
        return False
    sha256 = checkpoint_sha256(checkpoint)
    return any(row.checkpoint_out_sha256 == sha256 for row in read([ledger], warn=lambda note: None))
