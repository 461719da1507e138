"""The photo a run learned from, with its credit, and a sheet of the crops it was shown."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

from PIL import Image

from vissl_monoimage.data.crops.contact_sheet import CELL, GAP, contact_sheet
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.photos.catalog import CATALOG, of_catalog
from vissl_monoimage.data.photos.decode import file_sha256, load_photo
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.tables.disambiguate import describe_recipe

_WIDEST = 1000  # px: enough for a large screen, and the page stays small
_ROWS, _COLUMNS = 4, 6


def photo_figure(row: Row) -> Figure:
    """The photo of a single-image run.

    Raises:
        MonoImageError: if the photo is gone or is no longer the one that was used.
    """
    image, path = row.images[0], _path_of(row)
    loaded = load_photo(path)
    known = of_catalog(path)
    width, height = loaded.size
    credit = f" {known.credit}, {known.licence}." if known else ""
    picture = Image.fromarray(loaded.pixels)
    picture.thumbnail((_WIDEST, _WIDEST))
    return Figure(
        _jpeg(picture),
        "image/jpeg",
        f"The photo {image['name']} that {row.method} learned from, {width} by {height} pixels.",
        f"The photo: {image['name']}, {width}x{height} px.{credit}",
    )


def crops_figure(row: Row) -> Figure:
    """Some of the crops that a single-image run learned from.

    Raises:
        MonoImageError: as `photo_figure`.
    """
    recipe = recipe_of(row)
    sheet = contact_sheet(_path_of(row), recipe, rows=_ROWS, columns=_COLUMNS, seed=row.recipe["seed"])
    grid = sheet.crop(
        (sheet.width - _COLUMNS * (CELL + GAP) - GAP, 0, sheet.width, sheet.height)
    )  # not the photo again
    shown, drawn = _ROWS * _COLUMNS, row.recipe["num_samples"]
    return Figure(
        _jpeg(grid),
        "image/jpeg",
        f"A grid of {shown} square crops of {row.images[0]['name']}, drawn by {describe_recipe(row.recipe)}.",
        f"{shown} of the {drawn:,} crops it learned from ({recipe.size} px, {describe_recipe(row.recipe)}).",
    )


def _path_of(row: Row) -> Path:
    image = row.images[0]
    known = CATALOG.get(image["name"])
    path = known.path if known and image["path"] == known.inside else Path(image["path"])
    if file_sha256(path) != row.images[0]["sha256"]:
        raise MonoImageError(f"the photo '{path}' has changed since {row.name} learned from it")
    return path


def recipe_of(row: Row) -> Recipe:
    """The recipe that a single-image run drew its samples by."""
    names = {field.name for field in dataclasses.fields(Recipe)}
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.recipe.items() if key in names
    }
    return Recipe(**values)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
