"""The ledger row of a baseline that was learned from a photo outside VISSL's trainer."""

from __future__ import annotations

import datetime
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.ledger import machine, provenance
from vissl_monoimage.ledger.origin import recipe_and_images
from vissl_monoimage.ledger.row import Row


def baseline_row(
    options: Mapping[str, Any],
    source: SingleImageCrops,
    checkpoint: Path,
    command: Sequence[str],
    device: str,
    wall_s: float,
) -> Row:
    """A row of kind `pretrain`, so that a probe of `checkpoint` is known by how its trunk was made.

    Args:
        options: METHOD, TRUNK, SEED_VALUE and SOURCE (as MONOIMAGE.SOURCE), what the weights depend on.
        command: words of the command line. device: as in `machine.device`. wall_s: seconds.
    """
    recipe, images = recipe_and_images([source], options["SOURCE"])
    config = {**options, "IMAGES": [image["sha256"] for image in images]}
    config_hash = provenance.config_hash(config)
    file = checkpoint.absolute()
    return Row(
        run_id=hashlib.sha256(f"{file.parent}\n{config_hash}".encode()).hexdigest()[:16],
        kind="pretrain",
        name=f"init {options['METHOD']}",
        command=shlex.join(command),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        git_sha=machine.git_sha(),
        config_hash=config_hash,
        group_hash=provenance.config_hash(config, seed=False),
        method=options["METHOD"],
        trunk=options["TRUNK"],
        protocol=None,
        protocol_changes=[],
        dataset="single_image",
        images=images,
        recipe=recipe,
        seed=options["SEED_VALUE"],
        versions=machine.versions(),
        device=device,
        wall_s=round(wall_s, 2),
        iterations=0,
        checkpoint_in=None,
        checkpoint_in_sha256=None,
        checkpoint_out=str(file),
        checkpoint_out_sha256=provenance.file_sha256(file),
        losses=[],
        accuracies={},
        pretext={},
    )
