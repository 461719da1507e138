"""Crops per second and agreement, beside the authors' chain of torchvision transforms (`tests/peers/pil_chain.py`).

    make bench                                   # a free photo, tiled to 2560x1920
    MONOIMAGE_DATA=folder make bench             # the paper's market photo, folder/images/ameyoko.jpg

Both sides start from the decoded photo, draw their own parameters and end with a PIL image, in one process on one
core. Rounds of the two take turns; the table shows medians over rounds. Times are CPU time, so that other programs on
the machine count little. Agreement is the mean PSNR over draws that both sides render from the same parameters,
without colour jitter. Without make, `tests` has to be on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL
import torch
import torchvision
from numpy.typing import NDArray
from peers.pil_chain import LEAST_PSNR, mean_psnr, random_chain
from PIL import Image

from vissl_monoimage.data.crops.params import draw_crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.render import render
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo

LEAST_RATIO = {False: {256: 13, 128: 30, 64: 65, 32: 100}, True: {256: 10, 128: 20, 64: 40, 32: 60}}
MARKET_SIZE = (2560, 1920)


def rates(photo: Image.Image, pyramid: Pyramid, recipe: Recipe, rounds: int, seconds: float) -> tuple[float, float]:
    """Return (ours, theirs) in crops per second of CPU time, medians over interleaved rounds of about `seconds`."""
    chain = random_chain(recipe, photo)

    def ours(index: int) -> None:
        render(pyramid, draw_crop(recipe, *photo.size, seed=1, split=0, index=index), recipe)

    def theirs(_: int) -> None:
        chain(photo)

    counts = [max(1, round(seconds * _rate(side, 20))) for side in (ours, theirs)]
    measured = [[_rate(side, n) for side, n in zip((ours, theirs), counts, strict=True)] for _ in range(rounds)]
    return statistics.median(pair[0] for pair in measured), statistics.median(pair[1] for pair in measured)


def _rate(side: Callable[[int], None], count: int) -> float:
    began = time.process_time()
    for index in range(count):
        side(index)
    return count / (time.process_time() - began)


def bench_photo() -> tuple[NDArray[np.uint8], str]:
    """Return the photo (height, width, 3) and what to call it."""
    market = Path(os.environ.get("MONOIMAGE_DATA", ""), "images", "ameyoko.jpg")
    if market.is_file():
        return load_photo(market).pixels, "the paper's market photo"
    photo = CATALOG["china"]
    width, height = MARKET_SIZE
    pixels = load_photo(photo.path).pixels
    across, down = -(-width // pixels.shape[1]), -(-height // pixels.shape[0])
    tiled = np.tile(pixels, (down, across, 1))[:height, :width]
    return np.ascontiguousarray(tiled), f"'{photo.name}' ({photo.credit}, {photo.licence}), tiled"


def main() -> None:
    """Print the table."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--draws", type=int, default=1000, help="draws compared [1000]")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds [7]")
    parser.add_argument("--seconds", type=float, default=0.4, help="CPU time of a round of one side [0.4]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    random.seed(0)
    torch.manual_seed(0)
    pixels, name = bench_photo()
    photo, pyramid = Image.fromarray(pixels), Pyramid.build(pixels)
    print(f"photo: {name}, {photo.width}x{photo.height} px; one core, {platform.machine()}")
    print(f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}, OpenCV {cv2.__version__}")
    print("the least agreement is asked for on the market photo\n")
    print("| px | colour jitter | theirs /s | ours /s | ratio | at least | PSNR dB | at least |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for jittered in (False, True):
        for size, least in LEAST_RATIO[jittered].items():
            released = dataclasses.replace(RECIPES["released"], size=size)
            recipe = released if jittered else dataclasses.replace(released, jitter=0.0)
            ours, theirs = rates(photo, pyramid, recipe, options.rounds, options.seconds)
            kind, agreement = "p = 0.5", " | "
            if not jittered:
                psnr = mean_psnr(photo, pyramid, recipe, options.draws)
                kind, agreement = "none", f"{psnr:.2f} | {LEAST_PSNR[size]}"
            row = f"| {size} | {kind} | {theirs:.0f} | {ours:.0f} | {ours / theirs:.1f} | {least} | {agreement} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
