"""Names and layout of a BiGAN run's files; a report reads them without importing VISSL."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL.PngImagePlugin import PngInfo

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError

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

    def problems(self) -> list[str]:
        """Return a sentence for each number that no grid has."""
        numbers = dataclasses.asdict(self)
        return [f"{name}={value} must be at least 1" for name, value in numbers.items() if value < 1]

    @classmethod
    def of_png(cls, info: Mapping[Any, Any]) -> GridLayout | None:
        """Return the layout in Pillow's `Image.info`; None if it is not recorded there, or is none."""
        try:
            values = json.loads(str(info.get(_KEY, "")))
            return read_block(cls, values, _KEY) if isinstance(values, dict) else None
        except (ValueError, RecursionError, MonoImageError):
            return None
