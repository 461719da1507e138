"""The photos and the recipe that single-image training data are made of, as a ledger row holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.photos.catalog import catalog_photo_at
from vissl_monoimage.data.single_image import SingleImageCrops


def recipe_and_images(
    sources: Sequence[SingleImageCrops], settings: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the recipe of `sources`, resolved from `settings`, and their photos [{name, path, sha256}].

    Both are empty without sources. The path of a photo of the catalog is the one inside its package: rows are
    published, without folders of a machine.

    Args:
        sources: the crops of the single-image data sources of one split.
        settings: `config.MONOIMAGE.SOURCE`.
    """
    if not sources:
        return {}, []
    block = read_source_block(settings)
    drawn = {"num_samples": block.NUM_SAMPLES, "seed": block.SEED, "fresh": block.FRESH}
    images = [
        {**_name_and_path(path), "sha256": sha256}
        for source in sources
        for path, sha256 in zip(source.photos.paths, source.photos.sha256, strict=True)
    ]
    return {**dataclasses.asdict(block.recipe()), **drawn}, images


def _name_and_path(path: Path) -> dict[str, str]:
    photo = catalog_photo_at(path)
    return (
        {"name": photo.name, "path": photo.path_in_package}
        if photo
        else {"name": path.name, "path": str(path.absolute())}
    )
