"""A contact sheet: the photo, and beside it the first samples a network would see."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.sample import sample
from vissl_monoimage.data.photos.cache import PyramidStore
from vissl_monoimage.data.photos.catalog import resolve_one
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write

CELL = 128
"""px: side of a sample on the sheet; larger ones are reduced, smaller ones shown with visible pixels."""
GAP = 4
_BACKGROUND = "white"
_KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def contact_sheet(photo: str | Path, recipe: Recipe, *, rows: int = 4, columns: int = 8, seed: int = 0) -> Image.Image:
    """The photo, as high as the grid or as wide, to the left of `rows` x `columns` training samples.

    Args:
        photo: a catalog name or a file.
        recipe: as the data source has it (`read_source_block(...).recipe()`).

    Raises:
        MonoImageError: a bad photo, or an entry that stands for several.
    """
    store = PyramidStore([resolve_one(photo)], recipe)
    step = CELL + GAP
    width, height = columns * step + GAP, rows * step + GAP
    thumbnail = Image.fromarray(store[0].levels[0][..., :3])
    thumbnail.thumbnail((width, height - 2 * GAP), Image.Resampling.LANCZOS)
    grid_left = thumbnail.width + GAP
    sheet = Image.new("RGB", (grid_left + width, height), _BACKGROUND)
    sheet.paste(thumbnail, (GAP, GAP))
    for number in range(rows * columns):
        # Sample 0 is the photo itself, which the sheet shows already.
        cell = sample(store, recipe, number + 1, seed=seed)
        larger = recipe.size < CELL
        cell = cell.resize((CELL, CELL), Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)
        sheet.paste(cell, (grid_left + GAP + number % columns * step, GAP + number // columns * step))
    return sheet


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
