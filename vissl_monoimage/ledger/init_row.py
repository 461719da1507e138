"""The ledger row of a trunk made by `monoimage init`, outside VISSL's trainer."""

from __future__ import annotations

import datetime
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vissl_monoimage.ledger import machine, provenance
from vissl_monoimage.ledger.data_hash import Content, FolderContent, PixelContent, labelled_pixels
from vissl_monoimage.ledger.fingerprint import crops_sha256, json_sha256
from vissl_monoimage.ledger.origin import recipe_and_images
from vissl_monoimage.ledger.row import SCHEMA, Row
from vissl_monoimage.ledger.row_parts import DataSplit, InitialWeights, Weights
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.models.init import NOISE
from vissl_monoimage.models.init.images import Images, TrainingImages
from vissl_monoimage.models.init.patches import Crops

NO_IMAGES = "no images"


@dataclass(frozen=True)
class Made:
    """How a trunk was made.

    Attributes:
        options: what the weights depend on beside photos: METHOD, TRUNK, SEED_VALUE, SOURCE (as MONOIMAGE.SOURCE), ...
        images: that the trunk was made from; None for random weights.
        method: what a report calls it; "" for METHOD.
        initial_weights: before the method changed them.
        weights: the file they came from, if any.
    """

    options: Mapping[str, Any]
    images: Images | None
    method: str = ""
    initial_weights: InitialWeights = field(default_factory=lambda: InitialWeights("random"))
    weights: Weights = field(default_factory=Weights)


def init_row(
    made: Made, checkpoint: Path, words: Sequence[str], options: Sequence[str], device: str, wall_s: float
) -> Row:
    """Return a row of kind `pretrain`, by which a report knows how the trunk of a probed checkpoint was made.

    Args:
        made: how the trunk was made.
        checkpoint: the file of the trunk.
        words: the command line up to the options: monoimage init METHOD [SOURCE].
        options: of the command line.
        device: as `machine.device` returns it.
        wall_s: seconds.
    """
    recipe, images = _recipe_and_photos(made)
    train = _training_data(made.images, recipe, images)
    count = len(made.images) if made.images is not None else 0
    config = {**made.options, "IMAGES": [image["sha256"] for image in images]}
    config_hash = provenance.config_hash(config)
    file = checkpoint.absolute()
    return Row(
        schema=SCHEMA,
        run_id=hashlib.sha256(f"{file.parent}\n{config_hash}".encode()).hexdigest()[:16],
        kind="pretrain",
        name=f"init {made.options['METHOD']}",
        command=shlex.join([*words, *options]),
        overrides=list(options),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        git_sha=machine.git_sha(),
        config_hash=config_hash,
        group_hash=provenance.config_hash(config, seed=False),
        method=made.method or made.options["METHOD"],
        trunk=made.options["TRUNK"],
        protocol=None,
        protocol_changes=[],
        shots=[],
        dataset=train.name,
        data={"train": train},
        images=images,
        n_images=len(images) or count,
        images_seen=count,
        recipe=recipe,
        seed=made.options["SEED_VALUE"],
        versions=machine.versions(),
        device=device,
        wall_s=round(wall_s, 2),
        iterations=0,
        weights=made.weights,
        initial_weights=made.initial_weights,
        checkpoint_out=str(file),
        checkpoint_out_sha256=checkpoint_sha256(file),
        losses=[],
        accuracies={},
        pretext={},
    )


def _recipe_and_photos(made: Made) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    crops = [made.images.source] if isinstance(made.images, Crops) else []
    return recipe_and_images(crops, made.options.get("SOURCE"))


def _training_data(images: Images | None, recipe: Mapping[str, Any], photos: Sequence[Mapping[str, Any]]) -> DataSplit:
    """Return what is known of the images; of a data set all of it, as in the row of a pretraining on it."""
    if images is None:
        return DataSplit(NO_IMAGES, 0, sha256=json_sha256(NO_IMAGES))
    if isinstance(images, Crops):
        return DataSplit("single_image", len(images), sha256=crops_sha256(photos, recipe))
    if not isinstance(images, TrainingImages):
        settings = {key: value for key, value in images.settings.items() if key != "SEED"}
        return DataSplit(NOISE, len(images), sha256=json_sha256({NOISE: settings}))
    source = images.source
    fingerprint = _content(source).fingerprint()
    return DataSplit(
        images.name,
        len(source),
        len(source.classes),
        fingerprint.sha256 if fingerprint else None,
        bool(fingerprint and fingerprint.sampled),
    )


def _content(source: Any) -> Content:
    if not hasattr(source, "samples"):
        return PixelContent(lambda: labelled_pixels(source))
    root = Path(source.root)
    return FolderContent(root, [(Path(file).relative_to(root).as_posix(), label) for file, label in source.samples])
