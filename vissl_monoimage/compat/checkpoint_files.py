"""Writing checkpoints so that each file appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def save_checkpoint(checkpoint_folder: str, state: Any, checkpoint_file: str) -> str:
    """Write `state` under another name first, so that a killed run leaves no half file; returns the path."""
    import torch

    path = Path(checkpoint_folder, checkpoint_file)
    partial = path.with_name(f".{path.name}.partial")
    torch.save(state, partial)
    os.replace(partial, path)
    return str(path)


def create_file_symlink(target: str, link: str) -> None:
    """Point `link` at `target`; there is a link at every moment if there was one before.

    VISSL names both from the working folder, and a relative link would be read from its own: it is made absolute.
    """
    partial = Path(f"{link}.partial")
    partial.unlink(missing_ok=True)
    partial.symlink_to(Path(target).absolute())
    os.replace(partial, link)
