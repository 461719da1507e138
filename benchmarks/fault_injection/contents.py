"""Whether the files that a failed command has left are whole, and whether two folders hold the same."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy
import yaml
from PIL import Image

NOT_READ_BACK = ("log.txt", "lock", "stdout.json", "metrics.json")
"""Files for people, and those of VISSL that this package never reads."""
TEMPORARY = (".part", ".tmp")


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file below a folder, temporary ones too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def half_written(folder: Path, expected: Mapping[str, str]) -> Iterator[str]:
    """Yield the files below a folder that are under their final names and not whole.

    Args:
        folder: of a command that failed.
        expected: `hashes` of an undisturbed one; text that has no end of its own must be equal to that.
    """
    for name, sha256 in hashes(folder).items():
        path = folder / name
        is_temporary = any(Path(part).suffix in TEMPORARY for part in Path(name).parts)
        if is_temporary or path.name in NOT_READ_BACK or path.suffix == ".log":
            continue
        if sha256 == expected.get(name):
            continue
        check = _CHECKS.get(path.suffix)
        try:
            if check is None:
                raise ValueError("it differs from the undisturbed one")
            check(path)
        except Exception as error:
            yield f"{name} is not whole: {' '.join(str(error).split())[:80]}"


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise ValueError(damaged)


def _json(path: Path) -> None:
    json.loads(path.read_text())


def _lines(path: Path) -> None:
    for line in path.read_text().split("\n")[:-1]:  # the last may be torn, which readers know
        json.loads(line)


def _yaml(path: Path) -> None:
    if not isinstance(yaml.load(path.read_text(), yaml.CSafeLoader), dict):
        raise ValueError("it holds no settings")


def _image(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def _page(path: Path) -> None:
    if not path.read_text().rstrip().endswith("</html>"):
        raise ValueError("it ends too early")


_CHECKS: dict[str, Callable[[Path], object]] = {
    ".torch": _archive,
    ".pt": _archive,
    ".json": _json,
    ".jsonl": _lines,
    ".yaml": _yaml,
    ".npy": np.load,
    ".safetensors": safetensors.numpy.load_file,
    ".png": _image,
    ".jpg": _image,
    ".html": _page,
}
