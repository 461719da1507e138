"""The photos that runs were pretrained on, with their credits, and sheets of the crops."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from vissl_monoimage.data.crops.contact_sheet import CELL, GAP, contact_sheet
from vissl_monoimage.data.crops.settings import SourceBlock, read_source_block
from vissl_monoimage.data.photos.catalog import CATALOG, catalog_photo_at
from vissl_monoimage.data.photos.decode import file_sha256, load_photo
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.tables.disambiguate import describe_recipe

_WIDEST = 1000  # px: enough for a large screen, and the page stays small
_ROWS, _COLUMNS = 4, 6


def photo_figures(pretrained: Iterable[Row], missing: list[str]) -> list[list[Figure]]:
    """Return, for each photo of a single-image run, the photo and a sheet of its crops by each recipe.

    Args:
        pretrained: pretraining runs.
        missing: receives a sentence for each photo that cannot be shown.
    """
    figures: dict[str, list[Figure]] = {}
    sheets: set[str] = set()
    for row in (row for row in pretrained if len(row.images) == 1):
        sha256 = row.images[0]["sha256"]
        recipe = {name: value for name, value in row.recipe.items() if name != "seed"}
        if (sheet := f"{sha256} {sorted(recipe.items())}") in sheets:
            continue
        sheets.add(sheet)
        try:
            if sha256 not in figures:
                figures[sha256] = [photo_figure(row)]
            figures[sha256].append(crops_figure(row))
        except MonoImageError as error:
            missing.append(f"Not shown: {error}.")
    return list(figures.values())


def photo_figure(row: Row) -> Figure:
    """Return the photo of a single-image run.

    Raises:
        MonoImageError: the photo is gone, or is no longer the one that was used.
    """
    image, path = row.images[0], _photo_path(row)
    loaded = load_photo(path)
    entry = catalog_photo_at(path)
    width, height = loaded.size
    credit = f" {entry.credit}, {entry.licence}." if entry else ""
    picture = Image.fromarray(loaded.pixels)
    picture.thumbnail((_WIDEST, _WIDEST))
    return Figure(
        _jpeg(picture),
        "image/jpeg",
        f"The photo {image['name']} used for pretraining with {row.method}, {width} by {height} pixels.",
        f"The photo: {image['name']}, {width}x{height} px.{credit}",
    )


def crops_figure(row: Row) -> Figure:
    """Return a sheet of some of the crops that a single-image run was trained on.

    Raises:
        MonoImageError: as `photo_figure` and `recipe_settings`.
    """
    settings = recipe_settings(row)
    recipe = settings.recipe()
    sheet = contact_sheet(_photo_path(row), recipe, rows=_ROWS, columns=_COLUMNS, seed=settings.SEED)
    left = sheet.width - _COLUMNS * (CELL + GAP) - GAP  # without the photo, which is shown beside it
    shown, words = _ROWS * _COLUMNS, describe_recipe(row.recipe)
    return Figure(
        _jpeg(sheet.crop((left, 0, sheet.width, sheet.height))),
        "image/jpeg",
        f"A grid of {shown} square crops of {row.images[0]['name']}, drawn with {words}.",
        f"{shown} of the {settings.NUM_SAMPLES:,} crops used for pretraining ({recipe.size} px, {words}).",
    )


def recipe_settings(row: Row) -> SourceBlock:
    """Return the recipe, the number of crops and the seed of a single-image run.

    Raises:
        MonoImageError: the row lacks one of them, or has values that are none.
    """
    values = {"RECIPE" if key == "name" else key.upper(): value for key, value in row.recipe.items()}
    lost = [key for key in ("RECIPE", "SIZE", "NUM_SAMPLES", "SEED") if values.get(key) is None]
    if lost:
        raise MonoImageError(f"the crops of the run {row.name}, whose row lacks {', '.join(lost)} of their recipe")
    return read_source_block(values, f"the recipe of the run {row.name}")


def _photo_path(row: Row) -> Path:
    image = row.images[0]
    entry = CATALOG.get(image["name"])
    path = entry.path if entry and image["path"] == entry.path_in_package else Path(image["path"])
    if file_sha256(path) != row.images[0]["sha256"]:
        raise MonoImageError(f"the photo '{path}' has changed since the run {row.name} used it")
    return path


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
