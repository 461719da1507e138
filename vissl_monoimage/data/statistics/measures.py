"""The card of a photo: every measure, and which photo it describes."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from vissl_monoimage import __version__
from vissl_monoimage.data.photos.decode import Photo, Pixels
from vissl_monoimage.data.statistics import crops, pixels
from vissl_monoimage.utils.atomic_write import atomic_write

MEASURES: dict[str, Callable[[Pixels], float]] = {
    "edge_density": pixels.edge_density,
    "spectrum_slope": pixels.spectrum_slope,
    "colour_entropy": pixels.colour_entropy,
    "patch_entropy": pixels.patch_entropy,
    "crop_distinctness": crops.crop_distinctness,
    "rotation_accuracy": crops.rotation_accuracy,
}
"""The measures of a photo at the working size; unit and range are in the docstring of each function."""


@dataclass(frozen=True)
class Card:
    """The measures of one photo, under the names that MEASURES and card.csv have.

    Attributes:
        name: of the file, without its suffix.
        sha256: hash of the file, as in the rows of a ledger.
        width: px.
        height: px.
        edge_density: see `pixels.edge_density`; likewise for the other measures.
        version: of this package.
    """

    name: str
    sha256: str
    width: int
    height: int
    edge_density: float
    spectrum_slope: float
    colour_entropy: float
    patch_entropy: float
    crop_distinctness: float
    rotation_accuracy: float
    version: str = __version__


def measure(photo: Photo) -> Card:
    """Return the card of a photo; equal files give equal cards."""
    working = pixels.at_working_size(photo.pixels)
    numbers: dict[str, Any] = {name: function(working) for name, function in MEASURES.items()}
    return Card(photo.path.stem, photo.sha256, *photo.size, **numbers)


def save_csv(cards: Sequence[Card], path: Path) -> None:
    """Write a row for each photo, under the names of Card's fields.

    Raises:
        MonoImageError: it cannot be written.
    """
    text = io.StringIO()
    names = [field.name for field in dataclasses.fields(Card)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for card in cards:
        row = dataclasses.asdict(card)
        writer.writerow(row | {name: f"{row[name]:.6g}" for name in MEASURES})
    with atomic_write(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8")


def as_text(cards: Sequence[Card]) -> str:
    """Return a table of aligned columns with a line for each photo."""
    header = ["photo", "px", *(name.replace("_", " ") for name in MEASURES)]
    rows = [
        [card.name, f"{card.width}x{card.height}", *(f"{getattr(card, name):.3f}" for name in MEASURES)]
        for card in cards
    ]
    alignment = ["left", *["right"] * (len(header) - 1)]
    # The header as a row: tabulate would make columns wider under headers.
    return tabulate([header, *rows], tablefmt="plain", colalign=alignment, disable_numparse=True)
