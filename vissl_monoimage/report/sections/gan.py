"""What a BiGAN's generator draws and how its two players fare, from the files in the run's folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.pretext.bigan.artifacts import FOLDER, PLAYERS_FILE, RECONSTRUCTIONS, SAMPLES, GridLayout
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.sections.artifacts import (
    RunBlock,
    plot_records,
    read_records,
    run_blocks,
    run_folder,
)
from vissl_monoimage.report.sections.pictures import latest_picture

LOSSES = {"discriminator_loss": "discriminator", "encoder_generator_loss": "encoder and generator"}
ERROR = {"reconstruction_error": "x and G(E(x))", "mismatch_error": "x and G(E(x')), x' another image"}
_WORDS = {
    SAMPLES: (
        "Grid of {count}images in {rows}, drawn by the generator of {name} from random codes after epoch {epoch}.",
        "Samples: {count}images drawn from random codes, after epoch {epoch}.",
    ),
    RECONSTRUCTIONS: (
        "Grid of {count}pairs of images in {rows}: on the left a training image of {name}, on the right what its "
        "generator makes of that image's code after epoch {epoch}.",
        "Reconstructions: {count}pairs of a training image x and, to its right, G(E(x)), what the generator makes "
        "of its code, after epoch {epoch}.",
    ),
}


def generator_blocks(pretrained: Sequence[Row], missing: list[str]) -> list[RunBlock]:
    """Return picture grids and plots of the runs that have a generator.

    Args:
        pretrained: pretraining runs.
        missing: receives a sentence for what cannot be shown.
    """
    return run_blocks(filter(has_generator, pretrained), "what is drawn by", _block, missing)


def has_generator(row: Row) -> bool:
    """Return whether a run measured its players, or left pictures or a file of their losses."""
    if row.checkpoint_out is None:
        return not LOSSES.keys().isdisjoint(row.pretext)
    folder = run_folder(row)
    pictures = [picture for kind in (SAMPLES, RECONSTRUCTIONS) for picture in (folder / FOLDER).glob(f"{kind}_*")]
    return not LOSSES.keys().isdisjoint(row.pretext) or (folder / PLAYERS_FILE).exists() or bool(pictures)


def _block(row: Row, name: str, missing: list[str]) -> RunBlock:
    folder, block = run_folder(row), RunBlock(name, [], [])
    if not row.checkpoint_out:
        missing.append(f"Not shown: what {name} draws, because its row names no checkpoint and so no folder.")
        return block
    if not os.path.isdir(folder):
        missing.append(f"Not shown: what {name} draws, because its folder '{folder}' is missing.")
        return block
    for kind in (SAMPLES, RECONSTRUCTIONS):
        try:
            block.pictures.append(_picture(folder / FOLDER, kind, name))
        except MonoImageError as error:
            missing.append(f"Not shown: {error}.")
    try:
        records = read_records(folder / PLAYERS_FILE, "players' losses", missing)
    except MonoImageError as error:
        missing.append(f"Not shown: {error}.")
        return block
    block.plots.append(plot_records(records, LOSSES, "loss", "Losses of both players", name))
    block.plots.append(plot_records(records, ERROR, "error", "Reconstruction error (mean squared difference)", name))
    return block


def _picture(folder: Path, kind: str, name: str) -> Figure:
    """Return the last epoch's grid of a kind, with the bytes of its file."""
    picture = latest_picture(folder, kind, f"picture of {kind} of {name}")
    counts = _counts(kind, GridLayout.of_png(picture.info))
    alt, caption = (text.format(name=name, epoch=picture.epoch, **counts) for text in _WORDS[kind])
    return Figure(picture.data, "image/png", alt, caption)


def _counts(kind: str, layout: GridLayout | None) -> dict[str, str]:
    """Return how many images a grid has in how many rows, in words; no numbers where its file does not record them."""
    if layout is None:
        return {"count": "", "rows": "rows"}
    count = layout.count // (2 if kind == RECONSTRUCTIONS else 1)
    return {"count": f"{count} ", "rows": f"{layout.rows} row{'s' * (layout.rows != 1)}"}
