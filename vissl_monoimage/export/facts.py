"""Where a trunk's weights came from, as an exported folder and its model card say it: without paths of a machine."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export.run_folder import RunFacts
from vissl_monoimage.ledger.images_seen_table import images_seen
from vissl_monoimage.ledger.initial_weights import WEIGHTS_FILE, weights_sha256
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.models.checkpoint.report import LoadReport

PHOTO = "PHOTO"
"""Stands for the file of a photo in a command, unless its licence is known."""
NO_LICENCE = "no licence known"
_ABSOLUTE = re.compile(r"(?<![\w.~/-])/(?:[^/\s,'\"\]\[]+/)+(?=[^/\s,'\"\]\[])")


def facts_of(network: nn.Module, file: Path, run: RunFacts, report: LoadReport | None) -> dict[str, Any]:
    """Return all that is known of a trunk's weights, as JSON has it.

    Args:
        network: the trunk, filled.
        file: of the weights.
        run: what is known of their run.
        report: what the trunk took from the file.
    """
    return {
        "checkpoint": {"name": file.name, "sha256": checkpoint_sha256(file)},
        "loaded": [report.loaded, report.total] if report else None,
        "tensors_sha256": weights_sha256(network.state_dict()),
        "run": run_facts(run.row, _relation(file, run)) if run.row else None,
    }


def run_facts(row: Row, relation: str) -> dict[str, Any]:
    """Return what a ledger row says of a run, the photos with their credit and licence if these are known.

    Args:
        row: of the run.
        relation: what the weights are of the run.
    """
    photos = [photo_facts(image) for image in row.images]
    return {
        "relation": relation,
        "kind": row.kind,
        "method": row.method,
        "name": row.name,
        "command": _shortened(row, photos),
        "dataset": row.dataset,
        "n_images": row.n_images,
        "images_seen": images_seen(row),
        "photos": photos,
        "recipe": row.recipe,
        "seed": row.seed,
        "iterations": row.iterations,
        "initial_weights": dataclasses.asdict(row.initial_weights),
        "weights_sha256": row.weights.sha256,
        "zoo": row.weights.zoo,
        "pretext": row.pretext,
        "finished": row.finished,
        "device": row.device,
        "wall_s": row.wall_s,
        "git_sha": row.git_sha,
        "config_hash": row.config_hash,
        "versions": row.versions,
    }


def photo_facts(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return hash, name, licence and credit of a photo in a ledger row; of one that is not our catalog's only the hash.

    A photo is the catalog's if it lay in its package and has the bytes of the one installed here.
    """
    photo = CATALOG.get(image["name"])
    if photo and image.get("path") == photo.path_in_package and _is_installed(photo.name, image["sha256"]):
        return {"sha256": image["sha256"], "name": photo.name, "licence": photo.licence, "credit": photo.credit}
    return {"sha256": image["sha256"], "name": None, "licence": None, "credit": None}


def _is_installed(name: str, sha256: str) -> bool:
    try:
        return file_sha256(CATALOG[name].path) == sha256
    except MonoImageError:
        return False


def _relation(file: Path, run: RunFacts) -> str:
    if run.is_result:
        return "the result of the run"
    return "the weights before the first step of the run" if file.name == WEIGHTS_FILE else "of a step within the run"


def _shortened(row: Row, photos: list[dict[str, Any]]) -> str:
    """Return the command with the last parts of absolute paths, and with `PHOTO` for photos without a known licence."""
    unnamed = [image for image, facts in zip(row.images, photos, strict=True) if facts["name"] is None]
    try:
        words = shlex.split(row.command)
    except ValueError:
        words = row.command.split()
    for image in unnamed:
        for hidden in filter(None, (image.get("path"), image["name"])):
            words = [word.replace(hidden, PHOTO) for word in words]
    return shlex.join(_ABSOLUTE.sub("", word) for word in words)
