"""A contact sheet: the photo, and beside it the first samples a network would see."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms import functional
from torchvision.utils import make_grid

from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.sample import sample
from vissl_monoimage.data.photos.cache import PyramidStore
from vissl_monoimage.data.photos.catalog import resolve_one
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write

CELL = 128
"""px: side of a sample on the sheet; larger ones are reduced, smaller ones shown with visible pixels."""
GAP = 4
_KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def contact_sheet(photo: str | Path, recipe: Recipe, *, rows: int = 4, columns: int = 8, seed: int = 0) -> Image.Image:
    """The photo, as high as the grid or as wide, to the left of `rows` x `columns` training samples.

    Args:
        photo: a catalog name or a file.
        recipe: as the data source has it (`read_source_block(...).recipe()`).

    Raises:
        MonoImageError: a bad photo, or an entry that stands for several.
    """
    photos = PyramidStore([resolve_one(photo)], recipe)
    # Sample 0 is the photo itself, which the sheet shows already.
    cells = [_cell(sample(photos, recipe, number, seed=seed)) for number in range(1, rows * columns + 1)]
    tiles = torch.stack([functional.pil_to_tensor(cell) for cell in cells])
    grid = functional.to_pil_image(make_grid(tiles, columns, padding=GAP, pad_value=255))
    thumbnail = Image.fromarray(photos[0].levels[0][..., :3])
    thumbnail.thumbnail((grid.width, grid.height - 2 * GAP), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (thumbnail.width + GAP + grid.width, grid.height), "white")
    sheet.paste(thumbnail, (GAP, GAP))
    sheet.paste(grid, (thumbnail.width + GAP, 0))
    return sheet


def _cell(crop: Image.Image) -> Image.Image:
    return crop.resize((CELL, CELL), Image.Resampling.NEAREST if crop.width < CELL else Image.Resampling.LANCZOS)


def save_sheet(sheet: Image.Image, path: Path) -> None:
    """Save as .png or .jpg.

    Raises:
        MonoImageError: another suffix, or the folder cannot be written.
    """
    kind = kind_of(path)
    with atomic_write(path) as part:
        sheet.save(part, kind)


def kind_of(path: Path) -> str:
    """What Pillow calls the format of the picture `path`; MonoImageError for another suffix than .png or .jpg."""
    if path.suffix.lower() not in _KINDS:
        raise MonoImageError(f"{path}: a picture is saved as {', '.join(_KINDS)}")
    return _KINDS[path.suffix.lower()]
