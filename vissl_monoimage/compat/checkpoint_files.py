"""A run's checkpoints on the disk: written complete or not at all, and set aside where they are damaged."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write, remove_parts

_LINK = "checkpoint.torch"


def save_checkpoint(checkpoint_folder: str, state: Any, checkpoint_file: str) -> str:
    """Write `state` so that a killed run leaves the old file or the new one, and return its path.

    Raises:
        MonoImageError: it cannot be written, for example because the disk is full.
    """
    import torch

    path = Path(checkpoint_folder, checkpoint_file)
    with atomic_write(path) as part:
        try:
            with open(part, "wb") as file:
                torch.save(state, file)
        except RuntimeError as error:
            raise _of_the_disk(error) or error from None
    return str(path)


def create_file_symlink(target: str, link: str) -> None:
    """Point `link` at `target`; there is a link at every moment if there was one before.

    VISSL names both from the working folder, and a relative link would be read from its own: it is made absolute.
    """
    with atomic_write(Path(link)) as part:
        part.unlink(missing_ok=True)
        part.symlink_to(Path(target).absolute())


def prepare_folder(config: Any, folder: Path) -> None:
    """Remove what killed runs left half written, and set aside damaged checkpoints that VISSL would resume from."""
    remove_parts(folder)
    while (path := _resumed_from(config, folder)) is not None and not is_intact(path):
        # Neither a name that VISSL resumes from nor one that it takes for a finished run's.
        aside = path.with_name(path.name.removesuffix(".torch").replace("model_", "damaged_"))
        try:
            os.replace(path, aside)
        except FileNotFoundError:  # another node of the run was first
            continue
        except OSError as error:
            raise MonoImageError(f"{path} is damaged and cannot be renamed: {error.strerror}") from error
        _link_newest(folder)
        before = _resumed_from(config, folder)
        what_next = f"continues from {before.name}" if before else "begins anew, for there is none before it"
        print(f"{path} is damaged: it is now {aside.name}, and the run {what_next}", file=sys.stderr)


def is_intact(path: Path) -> bool:
    """Return whether every record of a checkpoint has its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def _of_the_disk(error: BaseException | None) -> OSError | None:
    """Return the error of the disk behind torch's own ("unexpected pos 704 vs 598"), if there is one."""
    while error is not None and not isinstance(error, OSError):
        error = error.__context__
    return error


def _resumed_from(config: Any, folder: Path) -> Path | None:
    """Return the checkpoint that VISSL's launcher would resume from; None for a new run and for a finished one."""
    from vissl.utils.checkpoint import get_resume_checkpoint, is_training_finished

    if is_training_finished(config, str(folder)):
        return None
    link = folder / _LINK
    if config.CHECKPOINT.USE_SYMLINK_CHECKPOINT_FOR_RESUME and link.exists():
        return link.resolve()
    chosen = get_resume_checkpoint(config, str(folder))
    return Path(chosen) if chosen else None


def _link_newest(folder: Path) -> None:
    """Point the link to the latest checkpoint at the newest file there is."""
    link = folder / _LINK
    if link.is_symlink() and not link.exists():
        link.unlink()
        newest = max(folder.glob("model_*.torch"), key=lambda path: path.stat().st_mtime_ns, default=None)
        if newest is not None:
            create_file_symlink(str(newest), str(link))
