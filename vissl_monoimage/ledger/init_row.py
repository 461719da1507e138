"""The ledger row of a trunk made by `monoimage init`, outside VISSL's trainer."""

from __future__ import annotations

import datetime
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.ledger import machine, provenance
from vissl_monoimage.ledger.fingerprint import crops_sha256
from vissl_monoimage.ledger.origin import recipe_and_images
from vissl_monoimage.ledger.row import SCHEMA, Row
from vissl_monoimage.ledger.row_parts import DataSplit, InitialWeights, Weights
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256


def init_row(
    options: Mapping[str, Any],
    crops: SingleImageCrops,
    checkpoint: Path,
    command: Sequence[str],
    device: str,
    wall_s: float,
) -> Row:
    """Return a row of kind `pretrain`, by which a report knows how the trunk of a probed checkpoint was made.

    Args:
        options: METHOD, TRUNK, SEED_VALUE and SOURCE (as MONOIMAGE.SOURCE): what the weights depend on.
        crops: the crops that the filters were made from.
        checkpoint: the file of the trunk.
        command: the words of the command line: monoimage init METHOD PHOTO OPTION...
        device: as `machine.device` returns it.
        wall_s: seconds.
    """
    recipe, images = recipe_and_images([crops], options["SOURCE"])
    config = {**options, "IMAGES": [image["sha256"] for image in images]}
    config_hash = provenance.config_hash(config)
    file = checkpoint.absolute()
    return Row(
        schema=SCHEMA,
        run_id=hashlib.sha256(f"{file.parent}\n{config_hash}".encode()).hexdigest()[:16],
        kind="pretrain",
        name=f"init {options['METHOD']}",
        command=shlex.join(command),
        overrides=list(command[4:]),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        git_sha=machine.git_sha(),
        config_hash=config_hash,
        group_hash=provenance.config_hash(config, seed=False),
        method=options["METHOD"],
        trunk=options["TRUNK"],
        protocol=None,
        protocol_changes=[],
        shots=[],
        dataset="single_image",
        data={"train": DataSplit("single_image", len(crops), sha256=crops_sha256(images, recipe))},
        images=images,
        n_images=len(images),
        images_seen=len(crops),
        recipe=recipe,
        seed=options["SEED_VALUE"],
        versions=machine.versions(),
        device=device,
        wall_s=round(wall_s, 2),
        iterations=0,
        weights=Weights(),
        initial_weights=InitialWeights("random"),
        checkpoint_out=str(file),
        checkpoint_out_sha256=checkpoint_sha256(file),
        losses=[],
        accuracies={},
        pretext={},
    )
