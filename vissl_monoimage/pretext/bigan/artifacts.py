"""Names and layout of a BiGAN run's files; a report reads them without importing VISSL."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL.PngImagePlugin import PngInfo

PLAYERS_FILE = "players.jsonl"
FOLDER, SAMPLES, RECONSTRUCTIONS = "pictures", "samples", "reconstructions"
_KEY = "monoimage_grid"


@dataclass(frozen=True)
class GridLayout:
    """How the images of a picture lie: in reading order, with white between them and around.

    Attributes:
        count: number of images.
        cell: px, side of an image.
        columns: images in a full row.
        gap: px of white.
    """

    count: int
    cell: int
    columns: int = 16
    gap: int = 2

    @property
    def rows(self) -> int:
        """Number of rows, of which the last may have fewer images."""
        return -(-self.count // self.columns)

    def png_info(self) -> PngInfo:
        """Return the layout as a text chunk, to be saved with the picture."""
        info = PngInfo()
        info.add_text(_KEY, json.dumps(dataclasses.asdict(self)))
        return info

    @classmethod
    def of_png(cls, info: Mapping[Any, Any]) -> GridLayout | None:
        """Return the layout in Pillow's `Image.info`; None for a picture from before it was recorded."""
        text = info.get(_KEY)
        return cls(**json.loads(str(text))) if text else None
