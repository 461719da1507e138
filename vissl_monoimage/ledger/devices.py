"""Where a run has been: one that was killed may go on on another machine."""

from __future__ import annotations

from pathlib import Path

from vissl_monoimage.ledger.io import append_text, replace_text

FILE_NAME = "devices.txt"


def note_device(folder: str | Path, iteration: int, device: str) -> str:
    """Note that a run goes on at `iteration` (0 starts afresh) on `device`; all of them so far, `a, then b`."""
    path = Path(folder, FILE_NAME)
    if not iteration:
        replace_text(path, "")
    known = path.read_text().splitlines() if path.is_file() else []
    if known[-1:] != [device]:
        append_text(path, f"{device}\n")
        known.append(device)
    return ", then ".join(known)
