"""A contact sheet: the photo, and beside it the first crops that a network would see."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms import functional
from torchvision.utils import make_grid

from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.sample import sample
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.data.photos.find import find_one_photo
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write

CELL = 128
"""px: side of a crop on the sheet; larger crops are reduced, smaller ones shown with visible pixels."""
GAP = 4
"""px: space between the crops and around them."""
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def contact_sheet(photo: str | Path, recipe: Recipe, *, rows: int = 4, columns: int = 8, seed: int = 0) -> Image.Image:
    """Return the photo, as high as the grid or as wide, to the left of `rows` x `columns` training crops.

    Args:
        photo: a catalog name or a file.
        recipe: how the crops are drawn.
        rows: rows of crops.
        columns: crops in a row, at least 2.
        seed: another seed draws other crops.

    Raises:
        MonoImageError: a bad photo, or an entry that stands for several.
    """
    photos = PyramidCache([find_one_photo(photo)], recipe)
    # Crop 0 is the photo itself, which the sheet shows already.
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


def save_picture(picture: Image.Image, path: Path) -> None:
    """Save `picture` as .png or .jpg.

    Raises:
        MonoImageError: another suffix, or the folder cannot be written.
    """
    file_format = picture_format(path)
    with atomic_write(path) as part:
        picture.save(part, file_format)


def picture_format(path: Path) -> str:
    """Return Pillow's name for the format of the picture `path`.

    Raises:
        MonoImageError: another suffix than .png or .jpg.
    """
    if path.suffix.lower() not in _FORMATS:
        raise MonoImageError(f"{path}: a picture is saved as {', '.join(_FORMATS)}")
    return _FORMATS[path.suffix.lower()]
