"""Rows as they are published: without the folders of the machine that made them."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.reproduce.datasets import Inputs

_BEFORE, _AFTER = r"(?<![^\s=\[,'\"])", r"(?![^/\s\],'\"])"


def publish(row: Row, inputs: Inputs) -> Row:
    """Return the row with `OUT`, `CIFAR10` and so on in place of this machine's folders.

    A row of a run from another machine, or of a folder that has moved, loses the folder of its runs and those of its
    photos too.
    """
    roots = list(inputs.data.values())
    short = {str(inputs.out): "OUT"}
    short |= {str(root): "DATA" if roots.count(root) > 1 else name.upper() for name, root in inputs.data.items()}
    photos = [photo for photo in (inputs.photo, *inputs.photos.values()) if Path(photo).is_file()]
    short |= {photo: Path(photo).name for photo in photos}
    row = _shortened(row, short)
    return _shortened(row, _foreign_folders(row))


def command_words(row: Row) -> list[str]:
    """Return the words after `monoimage` that repeat a run; the images of `monoimage init` have their name alone."""
    if row.name.startswith("init "):
        return [*row.name.split(), *_images_of_init(row), *row.overrides]
    return ["run", *row.overrides]


def _images_of_init(row: Row) -> list[str]:
    if row.images:
        return [row.images[0]["name"] if len(row.images) == 1 else f"{len(row.images)} photos"]
    return [row.dataset] if row.n_images else []


def shorten(text: str, short: Mapping[str, str]) -> str:
    """Replace paths that are keys of `short`, and the start of paths below them; `/data2` is not below `/data`."""
    for path in sorted(short, key=len, reverse=True):
        if path.strip("/"):
            text = re.sub(_BEFORE + re.escape(path) + _AFTER, short[path].replace("\\", r"\\"), text)
    return text


def _shortened(row: Row, short: Mapping[str, str]) -> Row:
    def path(value: Any) -> Any:
        return shorten(value, short) if isinstance(value, str) else value

    changed = dataclasses.replace(
        row,
        overrides=[shorten(word, short) for word in row.overrides],
        images=[{**image, "path": path(image.get("path"))} for image in row.images],
        weights=dataclasses.replace(row.weights, path=path(row.weights.path)),
        checkpoint_out=path(row.checkpoint_out),
    )
    return dataclasses.replace(changed, command=shlex.join(["monoimage", *command_words(changed)]))


def _foreign_folders(row: Row) -> dict[str, str]:
    """Return the absolute paths that are left in a row, with what replaces them."""
    short = {}
    out = Path(row.checkpoint_out or "").parent.parent
    if out.is_absolute() and out.name:
        short[str(out)] = "OUT"
    for image in row.images:
        if (path := Path(str(image.get("path", "")))).is_absolute():
            short[str(path)] = path.name
    return short
