"""The card of a photo as a picture: its edges, spectrum and colours, and its most similar and dissimilar crops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vissl_monoimage.data.photos.decode import Pixels
from vissl_monoimage.data.statistics import crops, pixels
from vissl_monoimage.data.statistics.measures import MEASURES, Card
from vissl_monoimage.utils.atomic_write import atomic_write

_SHOWN_COLOURS = 24
_SHOWN_PAIRS = 4
_BLUE, _ORANGE = "#0072B2", "#D55E00"


def save_card(photo: Pixels, card: Card, path: Path) -> None:
    """Draw the card as a PNG file.

    Args:
        photo: RGB (height, width, 3).
        card: its measures.
        path: of the file.

    Raises:
        MonoImageError: the file cannot be written.
    """
    photo = pixels.at_working_size(photo)
    canvas = Figure(figsize=(11, 6.8), layout="constrained")
    axes = canvas.subplots(2, 3)
    numbers = ", ".join(f"{name.replace('_', ' ')} {getattr(card, name):.3g}" for name in MEASURES)
    canvas.suptitle(f"{card.name}, {card.width}x{card.height} px\n{numbers}", fontsize=10)
    _picture(axes[0, 0], photo, "at the working size")
    _picture(axes[0, 1], pixels.edge_map(photo), f"edges: gradient above {pixels.EDGE:g} grey levels a px")
    _spectrum(axes[0, 2], photo)
    _colours(axes[1, 0], photo)
    compared = crops.crops_of(photo, crops.COMPARED, seed=0)
    distances = crops.crop_distances(compared)
    near, far = _nearest_and_farthest(distances)
    _picture(axes[1, 1], _strip(compared, near), f"most similar crops, distance from {distances[near[0]]:.2f}")
    _picture(axes[1, 2], _strip(compared, far), f"most dissimilar crops, distance up to {distances[far[0]]:.2f}")
    with atomic_write(path) as part:
        canvas.savefig(part, format="png", dpi=100)


def _picture(axes: Axes, picture: NDArray[Any], title: str) -> None:
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def _spectrum(axes: Axes, photo: Pixels) -> None:
    frequency, power = pixels.spectrum(photo)
    slope, intercept = pixels.spectrum_fit(photo)
    axes.set_title(f"power spectrum, slope {slope:.2f}", fontsize=9)
    axes.set_xlabel("cycles across the square", fontsize=8)
    fitted = np.array([pixels.LOWEST, pixels.HIGHEST], float)
    axes.loglog(frequency, power, color=_BLUE, linewidth=1.2)
    axes.loglog(fitted, 10**intercept * fitted**slope, color=_ORANGE, linewidth=2, label="fit")
    axes.legend(frameon=False, fontsize=8)
    axes.tick_params(labelsize=7)


def _colours(axes: Axes, photo: Pixels) -> None:
    """Draw the most frequent colours as bars of that colour."""
    counts = pixels.colour_counts(photo)
    order = np.argsort(-counts, kind="stable")[:_SHOWN_COLOURS]
    order = order[counts[order] > 0]
    levels = pixels.COLOUR_LEVELS
    colours = np.stack([order // levels**2, order // levels % levels, order % levels], axis=1)
    axes.bar(
        range(len(order)),
        100 * counts[order] / counts.sum(),
        color=(colours + 0.5) / levels,
        edgecolor="#777777",
        linewidth=0.4,
    )
    axes.set_title(f"{len(order)} of {np.count_nonzero(counts)} colours, most frequent first", fontsize=9)
    axes.set_ylabel("% of pixels", fontsize=8)
    axes.set_xticks([])
    axes.tick_params(labelsize=7)


def _nearest_and_farthest(distances: NDArray[np.float64]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the pairs of crops nearest to and farthest from each other."""
    first, second = np.triu_indices(len(distances), 1)
    order = np.argsort(distances[first, second], kind="stable")
    return _disjoint(first[order], second[order]), _disjoint(first[order[::-1]], second[order[::-1]])


def _disjoint(first: NDArray[np.int64], second: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the first few of the pairs, without those that repeat a crop."""
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for pair in zip(first.tolist(), second.tolist(), strict=True):
        if used.isdisjoint(pair):
            used.update(pair)
            pairs.append(pair)
        if len(pairs) == _SHOWN_PAIRS:
            break
    return pairs


def _strip(compared: Pixels, pairs: list[tuple[int, int]]) -> Pixels:
    """Return the pairs as columns of two crops, with white between them."""
    padded = np.pad(compared, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    return np.concatenate([np.concatenate([padded[a], padded[b]], axis=0) for a, b in pairs], axis=1)
