"""Draw the README's picture: the demo photo, some of its crops, and accuracy by layer from committed results.

    python benchmarks/readme_picture.py

Writes docs/images/overview.png. The accuracies are lines of benchmarks/results/table3-cifar.csv and belong to another
photo, the paper's market street, which has no licence to be shown. The file also holds the plotted numbers as a text
chunk named `accuracies`, so that a test can tell a picture that is out of date.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.data.crops.sample import sample
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.data.photos.find import find_one_photo

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "overview.png"
TABLE = ROOT / "benchmarks" / "results" / "table3-cifar.csv"
PHOTO = "china"
ROWS, COLUMNS = 4, 6
DPI = 150
LAYERS = ("conv1", "conv2", "conv3", "conv4")
LINES = {  # method in the table: (name in the picture, colour, marker), from the highest line to the lowest
    "supervised on cifar10": ("labels, 50,000 images", "#000000", "s"),
    "rotnet on cifar10": ("RotNet, 50,000 images", "#0072B2", "D"),
    "rotnet on ameyoko.jpg (1 image)": ("RotNet, one photo", "#D55E00", "o"),
    "random weights": ("random weights", "#777777", "v"),
}


def accuracies() -> dict[str, list[tuple[float, float]]]:
    """Return {method: [(mean top-1 in %, half width of its 95 % interval) of conv1 to conv4]} on CIFAR-10."""
    with open(TABLE, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "cifar10"]
    cells = {(row["method"], row["layer"]): (float(row["mean"]), float(row["half_width_95"])) for row in rows}
    return {method: [cells[method, layer] for layer in LAYERS] for method in LINES}


def draw_photo_and_crops(photo_axes: Axes, crops_axes: Axes) -> None:
    """Show the photo, and a grid of the first training samples that are not the photo itself."""
    recipe = RECIPES["released"]
    store = PyramidCache([find_one_photo(PHOTO)], recipe)
    photo_axes.imshow(store[0].levels[0][..., :3])
    photo_axes.set_title("one photo")
    side, gap = recipe.size, recipe.size // 16
    sheet = np.full((ROWS * (side + gap) - gap, COLUMNS * (side + gap) - gap, 3), 255, np.uint8)
    for number in range(ROWS * COLUMNS):
        top, left = (side + gap) * (number // COLUMNS), (side + gap) * (number % COLUMNS)
        sheet[top : top + side, left : left + side] = np.asarray(sample(store, recipe, number + 1, seed=0))
    crops_axes.imshow(sheet)
    crops_axes.set_title("its crops are the training set")
    for axes in (photo_axes, crops_axes):
        axes.set_axis_off()


def draw_accuracies(axes: Axes) -> None:
    """Plot a line per method over the layers, labelled at its right end."""
    for method, cells in accuracies().items():
        name, colour, marker = LINES[method]
        means, halves = zip(*cells, strict=True)
        axes.errorbar(LAYERS, means, yerr=halves, color=colour, marker=marker, markersize=4, capsize=2, linewidth=1.5)
        axes.annotate(name, (3.25, means[-1]), color=colour, va="center", fontsize=8, annotation_clip=False)
    axes.set_title("a linear probe on every layer")
    axes.set_ylabel("CIFAR-10 top-1 (%)", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    note = '"one photo": the paper\'s market street, not the one shown'
    axes.set_xlabel(note, fontsize=7, color="#555555", loc="left")


def main() -> None:
    """Draw the three panels and save them as a PNG of 256 colours."""
    with matplotlib.rc_context({"axes.titlesize": 10}):
        figure = Figure(figsize=(10, 2.6), dpi=DPI)
        draw_photo_and_crops(figure.add_axes((0.005, 0.02, 0.31, 0.86)), figure.add_axes((0.325, 0.02, 0.31, 0.86)))
        draw_accuracies(figure.add_axes((0.69, 0.18, 0.17, 0.66)))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    text = PngInfo()
    text.add_text("accuracies", json.dumps(accuracies()))
    PICTURE.parent.mkdir(exist_ok=True)
    Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(
        PICTURE, pnginfo=text, optimize=True
    )


if __name__ == "__main__":
    main()
