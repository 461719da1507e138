"""A contact sheet: the photo, and beside it the first samples a network would see."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.images.catalog import resolve
from vissl_monoimage.images.recipe import Recipe
from vissl_monoimage.images.samples import sample
from vissl_monoimage.images.store import PyramidStore
from vissl_monoimage.whole import whole

CELL = 128
"""px: side of a sample on the sheet; larger ones are reduced, smaller ones shown with visible pixels."""
GAP = 4
_BACKGROUND = "white"


def contact_sheet(photo: str | Path, recipe: Recipe, *, rows: int = 4, columns: int = 8, seed: int = 0) -> Image.Image:
    """The photo, as high as the grid or as wide, to the left of `rows` x `columns` training samples.

    Args:
        photo: a catalog name or a file.
        recipe: as the data source has it (`read_source_block(...).recipe()`).

    Raises:
        MonoImageError: a bad photo, or an entry that stands for several.
    """
    paths = resolve(photo)
    if len(paths) > 1:
        raise MonoImageError(f"{photo} has {len(paths)} photos: a sheet shows one, such as {paths[0]}")
    store = PyramidStore(paths, recipe)
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
    kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
    if path.suffix.lower() not in kinds:
        raise MonoImageError(f"{path}: a sheet is saved as {', '.join(kinds)}")
    with whole(path) as part:
        sheet.save(part, kinds[path.suffix.lower()])
