"""What a BiGAN's generator draws and how its two players fare, from the files in the run's folder."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.images.loading import load_photo, read_bytes
from vissl_monoimage.pretext.bigan.names import COLUMNS, FOLDER, PLAYERS_FILE, RECONSTRUCTIONS, SAMPLES
from vissl_monoimage.report import figures
from vissl_monoimage.report.figures import Figure
from vissl_monoimage.report.ledger import Row
from vissl_monoimage.report.table import Probed, label

MAX_RUNS = 4  # on a page: the pictures of each can have megabytes
LOSSES = {"discriminator_loss": "discriminator", "encoder_generator_loss": "encoder and generator"}
ERROR = {"reconstruction_error": "x and G(E(x))", "mismatch_error": "x and G(E(x')), x' another image"}
_GAP = 2  # px, white, between the images of a grid and around it
_WORDS = {
    SAMPLES: (
        "Grid of {count} images in {rows}, drawn by the generator of {name} from random codes after epoch {epoch}.",
        "Samples: {count} images drawn from random codes, after epoch {epoch}.",
    ),
    RECONSTRUCTIONS: (
        "Grid of {count} pairs of images in {rows}: on the left a training image of {name}, on the right what its "
        "generator makes of that image's code after epoch {epoch}.",
        "Reconstructions: {count} pairs of a training image x and, on its right, G(E(x)), what the generator makes "
        "of its code, after epoch {epoch}.",
    ),
}


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One run: its grids of pictures, and the plots of its players."""

    name: str
    pictures: list[Figure]
    plots: list[Figure]


def drawn(pretrained: Sequence[Row], missing: list[str]) -> list[Drawn]:
    """The first seed of each experiment with a generator, `MAX_RUNS` at most; what is not shown goes to `missing`."""
    groups: dict[str, list[Row]] = {}
    for row in filter(has_generator, pretrained):
        groups.setdefault(row.group_hash, []).append(row)
    firsts = [min(group, key=lambda row: (row.seed, row.recipe.get("seed", 0))) for group in groups.values()]
    names = _names(firsts)
    if names[MAX_RUNS:]:
        missing.append(f"Not shown, to keep the page small: what is drawn by {'; '.join(names[MAX_RUNS:])}.")
    blocks = [_drawn(row, name, missing) for row, name in list(zip(firsts, names, strict=True))[:MAX_RUNS]]
    return [block for block in blocks if block.pictures or block.plots]


def _names(rows: Sequence[Row]) -> list[str]:
    """What each learned from, and its seed; a part of the hash tells apart those that learned from the same."""
    labels = [label(Probed(row, row)) for row in rows]
    hints = [f" [{row.group_hash[:6]}]" * (labels.count(text) > 1) for row, text in zip(rows, labels, strict=True)]
    return [f"{text}{hint}, seed {row.seed}" for row, text, hint in zip(rows, labels, hints, strict=True)]


def has_generator(row: Row) -> bool:
    """Whether the run measured its players, or left pictures or a file of their losses behind."""
    left = [_folder(row) / FOLDER, _folder(row) / PLAYERS_FILE] if row.checkpoint_out else []
    return not LOSSES.keys().isdisjoint(row.pretext) or any(map(os.path.exists, left))


def _folder(row: Row) -> Path:
    return Path(row.checkpoint_out or "").parent


def _drawn(row: Row, name: str, missing: list[str]) -> Drawn:
    folder, block = _folder(row), Drawn(name, [], [])
    if not row.checkpoint_out:
        missing.append(f"Not shown: what {name} draws, for it left no checkpoint that says where.")
        return block
    for kind in (SAMPLES, RECONSTRUCTIONS):
        try:
            block.pictures.append(_picture(folder / FOLDER, kind, name))
        except MonoImageError as error:
            missing.append(f"Not shown: {error}.")
    try:
        looks = _looks(folder / PLAYERS_FILE, missing)
    except MonoImageError as error:
        missing.append(f"Not shown: {error}.")
        return block
    block.plots.append(_plot(looks, LOSSES, "loss", "Losses of both players", name))
    block.plots.append(_plot(looks, ERROR, "error", "Reconstruction error (mean squared difference)", name))
    return block


def _picture(folder: Path, kind: str, name: str) -> Figure:
    """The last epoch's grid of a kind, as its file has it."""
    found = ((re.fullmatch(rf"{kind}_(\d+)\.png", path.name), path) for path in folder.glob("*.png"))
    epochs = {int(match[1]): path for match, path in found if match}
    if not epochs:
        raise MonoImageError(f"there are no {kind} of {name} in '{folder}'")
    epoch, path = max(epochs.items())
    rows, columns, full = _grid(load_photo(path).pixels)
    count = rows * columns // (2 if kind == RECONSTRUCTIONS else 1)
    said = {"count": f"{'' if full else 'up to '}{count}", "rows": f"{rows} row{'s' * (rows != 1)}"}
    alt, caption = (text.format(name=name, epoch=epoch, **said) for text in _WORDS[kind])
    return Figure(read_bytes(path), "image/png", alt, caption)


def _grid(pixels: np.ndarray[Any, Any]) -> tuple[int, int, bool]:
    """Rows and columns of a grid (H, W, 3) of square images, and whether its last place is taken.

    Each row has `COLUMNS` places; only a single row may have fewer, and then there is no white line at each place.
    """
    height, width, _ = pixels.shape
    pitch = max(1, (width - _GAP) // COLUMNS)
    if min(pixels[::pitch].min(), pixels[:, ::pitch].min()) < 255:
        pitch = max(1, height - _GAP)
    last = pixels[-pitch:-_GAP, -pitch:-_GAP]
    return height // pitch, width // pitch, bool((last < 255).any())


def _looks(path: Path, missing: list[str]) -> list[dict[str, Any]]:
    """The lines of a run's file, without those that a kill tore."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise MonoImageError(f"cannot read the players' losses in '{path}': {error.strerror}") from error
    looks = [look for look in map(_look, lines) if look]
    if skipped := len(lines) - len(looks):
        missing.append(f"Left out: {skipped} broken line{'s' * (skipped != 1)} of '{path}'.")
    if not looks:
        raise MonoImageError(f"there are no losses in '{path}'")
    return looks


def _look(line: str) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except json.JSONDecodeError:
        return None
    whole = isinstance(values, dict) and "step" in values
    return values if whole and all(isinstance(value, (int, float)) for value in values.values()) else None


def _plot(looks: Sequence[dict[str, Any]], lines: dict[str, str], unit: str, what: str, name: str) -> Figure:
    """A line over the steps for each key of `lines`, called by its words, through the looks that have it."""
    canvas, axes = figures.new_axes()
    ends = []
    for colour, (key, words) in zip(figures.COLOURS, lines.items(), strict=False):
        points = [(look["step"], look[key]) for look in looks if key in look]
        if points:
            axes.plot(*zip(*points, strict=True), label=words, color=colour, linewidth=1.5)
            (start, first), (end, last) = points[0], points[-1]
            ends.append(f"{words} from {first:.3g} at step {start} to {last:.3g} at step {end}")
    axes.set(xlabel="step", ylabel=unit)
    if len(ends) > 1:
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    alt = f"Line plot. {what}, {name}: {'; '.join(ends) or 'nothing recorded'}."
    return Figure(figures.svg(canvas), "image/svg+xml", alt, f"{what}; single steps.")
