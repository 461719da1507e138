"""Figures of the report as SVG or PNG bytes, each with the words a screen reader needs."""

from __future__ import annotations

import base64
import dataclasses
import io
import math
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.report.tables.experiment import taught_by

# Okabe and Ito's colours, told apart by colour-blind readers as well; random weights are always grey.
GREY, COLOURS = "#777777", ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKS = "osD^vPX*"  # one more than colours: no pair comes twice in 56 lines


@dataclasses.dataclass(frozen=True)
class Figure:
    """An encoded image, its media type, its text for those who do not see it, a caption for all."""

    data: bytes
    media: str
    alt: str
    caption: str

    @property
    def uri(self) -> str:
        """The image itself as an address, so that a page needs no other file."""
        return f"data:{self.media};base64,{base64.b64encode(self.data).decode('ascii')}"


def loss_curves(rows: Iterable[Row]) -> list[Figure]:
    """The training loss over the steps, a plot an experiment, a line a run: one of those that end in the same bytes."""
    groups: dict[str, list[Row]] = {}
    by_end = {row.checkpoint_out_sha256 or row.run_id: row for row in rows}
    for row in sorted(by_end.values(), key=lambda row: row.seed):
        groups.setdefault(row.experiment, []).append(row)
    return [_loss_curves(group) for group in groups.values()]


def _loss_curves(rows: Sequence[Row]) -> Figure:
    canvas, axes = new_axes()
    said = []
    for number, row in enumerate(rows):
        losses = [math.nan if loss is None else loss for _, loss in row.losses]
        steps = [step for step, _ in row.losses]
        axes.plot(steps, losses, color=COLOURS[number % len(COLOURS)], linewidth=1, label=f"seed {row.seed}")
        said.append(f"seed {row.seed} from {losses[0]:.3g} at step {steps[0]} to {losses[-1]:.3g} at step {steps[-1]}")
    axes.set(xlabel="step", ylabel="training loss")
    if several := len(rows) > 1:
        axes.legend(frameon=False, fontsize="small")
    seeds = " ".join(str(row.seed) for row in rows)
    return Figure(
        svg(canvas),
        "image/svg+xml",
        f"Line plot of the training loss of {rows[0].name}: {'; '.join(said)}.",
        f"Training loss of {taught_by(rows[0])}, single steps, seed{'s' * several} {seeds}.",
    )


def conv1_filters(checkpoint: str | Path, name: str) -> Figure:
    """The first convolution's RGB filters in a VISSL checkpoint as a grid, each stretched to its full range.

    Raises:
        MonoImageError: if the file cannot be read or holds no convolution over RGB.
    """
    weight = first_convolution(checkpoint)
    sheet = tile(weight)
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, sheet, format="png")
    count, _, height, width = weight.shape
    return Figure(
        buffer.getvalue(),
        "image/png",
        f"Grid of the {count} first-layer filters ({height}x{width} px) of {name}.",
        f"conv1 filters, {name}.",
    )


def tile(weight: np.ndarray[Any, Any], zoom: int | None = None) -> np.ndarray[Any, Any]:
    """(N, 3, H, W) filters as one (rows, columns, 3) picture in [0, 1], `zoom` times enlarged, gaps white."""
    count, _, height, width = weight.shape
    zoom = zoom or max(1, 44 // max(height, width))
    low, high = weight.min(axis=(1, 2, 3), keepdims=True), weight.max(axis=(1, 2, 3), keepdims=True)
    scaled = (weight - low) / np.maximum(high - low, 1e-12)
    columns = 16 if count % 16 == 0 else math.ceil(math.sqrt(count * 2))
    rows = math.ceil(count / columns)
    sheet = np.ones((rows * (height * zoom + 2) + 2, columns * (width * zoom + 2) + 2, 3))
    for number, image in enumerate(scaled):
        top = 2 + (number // columns) * (height * zoom + 2)
        left = 2 + (number % columns) * (width * zoom + 2)
        big = image.transpose(1, 2, 0).repeat(zoom, axis=0).repeat(zoom, axis=1)
        sheet[top : top + height * zoom, left : left + width * zoom] = big
    return sheet


def first_convolution(checkpoint: str | Path) -> np.ndarray[Any, Any]:
    """The first (N, 3, H, W) weight of the trunk in a VISSL checkpoint, as float64."""
    import torch

    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        trunk = state["classy_state_dict"]["base_model"]["model"]["trunk"]
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise MonoImageError(f"cannot read a VISSL checkpoint from '{checkpoint}'") from error
    for tensor in trunk.values():
        if tensor.ndim == 4 and tensor.shape[1] == 3:
            return np.asarray(tensor.double().numpy())
    raise MonoImageError(f"the trunk in '{checkpoint}' has no convolution over RGB")


def new_axes(height: float = 3.7) -> tuple[Canvas, Axes]:
    """An empty plot in the report's style, `height` inches high."""
    canvas = Canvas(figsize=(5.6, height), layout="constrained")
    axes = canvas.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    return canvas, axes


def svg(canvas: Canvas) -> bytes:
    """SVG with text as outlines (it needs no font) and no date (equal data give equal bytes)."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "vissl_monoimage"}):
        canvas.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return buffer.getvalue()
