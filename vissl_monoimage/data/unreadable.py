"""The images of a run that could not be read and were replaced, in a file that loader workers and ledger share."""

from __future__ import annotations

from pathlib import Path

from vissl_monoimage.utils import jsonl

FILE_NAME = "unreadable.jsonl"
_noted: set[tuple[str, str, str]] = set()


def note_unreadable(folder: str, split: str, path: str) -> None:
    """Note an image in the folder of a run, once in a process.

    Args:
        folder: the run's folder.
        split: "train" or "test".
        path: the image.

    Raises:
        MonoImageError: the file cannot be written.
    """
    image = (folder, split, path)
    if image not in _noted:
        _noted.add(image)
        jsonl.append(Path(folder, FILE_NAME), {"split": split, "path": path})


def count_unreadable(folder: str | Path) -> dict[str, int]:
    """Return the number of different images by split; a split without any is left out."""
    file = Path(folder, FILE_NAME)
    lines = jsonl.read(file).values() if file.is_file() else []
    images = {
        (line["split"], line["path"]) for line in lines if isinstance(line, dict) and {"split", "path"} <= {*line}
    }
    splits = [split for split, _ in images]
    return {split: splits.count(split) for split in sorted(set(splits))}


def forget_unreadable(folder: str | Path) -> None:
    """Remove the file of an earlier run in this folder."""
    Path(folder, FILE_NAME).unlink(missing_ok=True)
    _noted.clear()
