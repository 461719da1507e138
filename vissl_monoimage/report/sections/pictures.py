"""Pictures that runs leave in their folders, one per epoch."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from vissl_monoimage.data.photos.decode import naming, open_image, read_bytes, without_pillow_warnings
from vissl_monoimage.errors import MonoImageError


@dataclasses.dataclass(frozen=True)
class Picture:
    """A PNG file.

    Attributes:
        epoch: the epoch in its name.
        data: the bytes of the file.
        info: its text chunks, as in Pillow's `Image.info`.
    """

    epoch: int
    data: bytes
    info: dict[Any, Any]


def latest_picture(folder: Path, kind: str, subject: str) -> Picture:
    """Return the last epoch's picture `<kind>_<epoch>.png` in `folder`.

    Args:
        folder: where the pictures of a run are.
        kind: the first part of their names.
        subject: what they show, for messages.

    Raises:
        MonoImageError: there is none, or it is not a whole PNG file.
    """
    matches = ((re.fullmatch(rf"{kind}_(\d+)\.png", path.name), path) for path in folder.glob("*.png"))
    epochs = {int(match[1]): path for match, path in matches if match}
    if not epochs:
        raise MonoImageError(f"there is no {subject} in '{folder}'")
    epoch, path = max(epochs.items())
    data = read_bytes(path)
    with without_pillow_warnings(), naming(path):
        image = open_image(data)
        image.load()
    if image.format != "PNG":
        raise MonoImageError(f"{path} is not a PNG file but {image.format}")
    return Picture(epoch, data, image.info)
