"""Rows of version 1 in the form of version 2. Nothing else reads facts from a row's `command`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.fingerprint import crops_sha256
from vissl_monoimage.ledger.meters import shots_in
from vissl_monoimage.ledger.provenance import last_override, zoo_name

# Rows of version 1 name a data set alone. Its training images, by the names in VISSL's and our YAMLs.
_IMAGENET, _PLACES = 1_281_167, 2_448_873
_IMAGES_IN = {
    "cifar10": 50_000,
    "cifar100": 50_000,
    "imagenet1k": _IMAGENET,
    "imagenet1k_folder": _IMAGENET,
    "places205": _PLACES,
    "places205_folder": _PLACES,
}
_IN_SMOKE_RUN = 8
_NEEDED = ("command", "accuracies", "images", "recipe", "dataset", "method", "checkpoint_in", "checkpoint_in_sha256")


def upgrade_from_1(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of version 1 with the fields of version 2; what version 1 did not record is None.

    Raises:
        MonoImageError: it is no row of version 1.
    """
    missing = [name for name in _NEEDED if name not in values]
    if missing:
        raise MonoImageError(f"it lacks {', '.join(missing)}")
    try:
        return _upgraded(dict(values))
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # a damaged row may hold anything
        raise MonoImageError(f"it cannot be read as version 1: {error}") from None


def _upgraded(row: dict[str, Any]) -> dict[str, Any]:
    words = shlex.split(row["command"])
    # monoimage init METHOD PHOTO OPTION..., or monoimage run OVERRIDE...
    init_photo, overrides = (words[3], words[4:]) if words[1:2] == ["init"] else (None, words[2:])
    weights, weights_sha256 = row.pop("checkpoint_in"), row.pop("checkpoint_in_sha256")
    is_random = row["kind"] == "pretrain" or row["method"] == "random"
    origin = "checkpoint" if weights else "random" if is_random else "fixed"
    return {
        **row,
        "overrides": overrides,
        "shots": shots_in(row["accuracies"]),
        "data": {"train": _training_data(row, overrides, init_photo)},
        "n_images": len(row["images"]) or _limited(_IMAGES_IN.get(row["dataset"].lower()), overrides),
        "images_seen": None,
        "weights": {"path": weights, "sha256": weights_sha256, "zoo": zoo_name(overrides)},
        "initial_weights": {"origin": origin, "sha256": None},
    }


def _limited(images: int | None, overrides: Sequence[str]) -> int | None:
    """Return how many of a data set's training images were used."""
    smoke = any(re.match(r"\+config/monoimage=\S*smoke", word) for word in overrides)
    limit = int(last_override(overrides, "config.DATA.TRAIN.DATA_LIMIT") or (_IN_SMOKE_RUN if smoke else -1))
    if limit < 0:
        return images
    return limit if images is None else min(images, limit)


def _training_data(row: Mapping[str, Any], overrides: Sequence[str], init_photo: str | None) -> dict[str, Any]:
    images, recipe = row["images"], row["recipe"]
    if not images:
        return {"name": row["dataset"]}
    entry = init_photo or last_override(overrides, "config.DATA.TRAIN.DATA_PATHS") or images[0]["name"]
    listed = Path(entry.strip("[]'")).name
    # Images that the command does not name were drawn from a data set, others for each seed, and listed in a file.
    is_named = len(images) == 1 and listed in (images[0]["name"], Path(images[0]["path"]).name)
    return {
        "name": row["dataset"],
        "images": recipe["num_samples"],
        "sha256": crops_sha256(images, recipe),
        "drawn_from": None if is_named else listed,
    }
