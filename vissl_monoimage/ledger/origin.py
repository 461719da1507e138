"""The photos and the recipe that single-image training data are made of, as a ledger row holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.data.crops.settings import OPENCV, SourceBlock, read_source_block
from vissl_monoimage.data.photos.catalog import catalog_photo_at
from vissl_monoimage.data.single_image import SingleImageCrops


def recipe_and_images(
    sources: Sequence[SingleImageCrops], settings: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the recipe of `sources`, resolved from `settings`, and their photos [{name, path, sha256, notes}].

    The notes say what decoding changed, such as a colour profile or a bit depth; where it changed nothing there are
    none. Both results are empty without sources. The path of a photo of the catalog is the one inside its package: rows
    are published, without folders of a machine.

    Args:
        sources: the crops of the single-image data sources of one split.
        settings: `config.MONOIMAGE.SOURCE`.
    """
    if not sources:
        return {}, []
    images = [
        {**_name_and_path(file.path), "sha256": file.sha256, **({"notes": list(file.notes)} if file.notes else {})}
        for source in sources
        for file in source.photos.files
    ]
    return resolved_recipe(read_source_block(settings)), images


def resolved_recipe(block: SourceBlock) -> dict[str, Any]:
    """Return all that training crops depend on beside the photos, as a row's `recipe` has it.

    The renderer is there if it is not the usual one, so that rows and fingerprints of all others stay as they were.
    """
    renderer = {} if block.RENDERER == OPENCV else {"renderer": block.RENDERER}
    drawn = {"num_samples": block.NUM_SAMPLES, "seed": block.SEED, "fresh": block.FRESH}
    parts = dataclasses.asdict(block.recipe())
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in parts.items()},
        **drawn,
        **renderer,
    }


def _name_and_path(path: Path) -> dict[str, str]:
    photo = catalog_photo_at(path)
    return (
        {"name": photo.name, "path": photo.path_in_package}
        if photo
        else {"name": path.name, "path": str(path.absolute())}
    )
