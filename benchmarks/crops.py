"""Crops a second and agreement, beside the authors' chain of torchvision transforms on PIL images.

    make bench                                   # a free photo, tiled to 2560x1920
    MONOIMAGE_DATA=folder make bench             # the paper's market photo, folder/images/ameyoko.jpg

Both sides start from the decoded photo, draw their own parameters and end with a PIL image, in one process on
one core. Rounds of the two take turns; the table shows medians over rounds. Times are CPU time, so that
other programs on the machine count little. Agreement is the mean PSNR over draws that both sides render from
the same parameters, without colour jitter.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
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
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

from vissl_monoimage.data.crops.params import Crop, draw
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.render import render
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo

SIZES = (256, 128, 64, 32)
LEAST_RATIO = {False: (13, 30, 65, 100), True: (10, 20, 40, 60)}
LEAST_PSNR = (33.5, 33.0, 32.0, 31.5)
MARKET_SIZE = (2560, 1920)


class FittingCrop(transforms.RandomResizedCrop):
    """The release's random resized crop: redraws until the box fits; torchvision falls back to the centre."""

    @staticmethod
    def get_params(img: Image.Image, scale: list[float], ratio: list[float]) -> tuple[int, int, int, int]:
        """(top, left, height, width) in px."""
        while True:
            area = img.width * img.height * random.uniform(*scale)
            aspect = math.exp(random.uniform(math.log(ratio[0]), math.log(ratio[1])))
            width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < width <= img.width and 0 < height <= img.height:
                top, left = random.randint(0, img.height - height), random.randint(0, img.width - width)
                return top, left, height, width


def peer_chain(recipe: Recipe, photo: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """The authors' transforms for `recipe`, up to the PIL image."""
    steps = [
        transforms.RandomCrop(recipe.region(*photo.size)[1]),
        FittingCrop(recipe.resized, recipe.scale, recipe.aspect, InterpolationMode.BICUBIC),
        transforms.RandomAffine(recipe.rotation, shear=recipe.shear, interpolation=InterpolationMode.BILINEAR, fill=0),
        transforms.CenterCrop(recipe.size),
    ]
    if recipe.jitter:
        jitter = transforms.ColorJitter(*recipe.jitter_strength)
        steps.append(transforms.RandomApply([jitter], recipe.jitter))
    chain: Callable[[Image.Image], Image.Image] = transforms.Compose(steps)
    return chain


def peer_render(photo: Image.Image, crop: Crop, recipe: Recipe) -> Image.Image:
    """The chain without colour jitter on drawn parameters."""
    side = (recipe.resized, recipe.resized)
    box = (crop.top, crop.left, crop.height, crop.width)
    image = tv.resized_crop(photo, *box, side, InterpolationMode.BICUBIC)
    image = tv.affine(image, crop.rotation, (0, 0), 1.0, (crop.shear, 0.0), InterpolationMode.BILINEAR, fill=0)
    image = tv.vflip(image) if crop.vflip else image
    image = tv.hflip(image) if crop.hflip else image
    return tv.center_crop(image, recipe.size)


def mean_psnr(photo: Image.Image, pyramid: Pyramid, recipe: Recipe, draws: int) -> float:
    """Mean over draws of the PSNR in dB between the two renderings."""
    values = []
    for index in range(draws):
        crop = draw(recipe, *photo.size, seed=0, split=0, index=index)
        ours = np.asarray(render(pyramid, crop, recipe), dtype=np.float64)
        peers = np.asarray(peer_render(photo, crop, recipe), dtype=np.float64)
        values.append(10 * math.log10(255**2 / max(float(((ours - peers) ** 2).mean()), 1e-9)))
    return statistics.fmean(values)


def rates(photo: Image.Image, pyramid: Pyramid, recipe: Recipe, rounds: int, seconds: float) -> tuple[float, float]:
    """(ours, peer) in crops per second of CPU time, medians over interleaved rounds of about `seconds`."""
    chain = peer_chain(recipe, photo)

    def ours(index: int) -> None:
        render(pyramid, draw(recipe, *photo.size, seed=1, split=0, index=index), recipe)

    def peer(_: int) -> None:
        chain(photo)

    counts = [max(1, round(seconds * _rate(side, 20))) for side in (ours, peer)]
    measured = [[_rate(side, n) for side, n in zip((ours, peer), counts, strict=True)] for _ in range(rounds)]
    return statistics.median(pair[0] for pair in measured), statistics.median(pair[1] for pair in measured)


def _rate(side: Callable[[int], None], count: int) -> float:
    began = time.process_time()
    for index in range(count):
        side(index)
    return count / (time.process_time() - began)


def bench_photo() -> tuple[NDArray[np.uint8], str]:
    """The photo (height, width, 3) and what it is."""
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
    pixels, what = bench_photo()
    photo, pyramid = Image.fromarray(pixels), Pyramid.build(pixels)
    print(f"photo: {what}, {photo.width}x{photo.height} px; one core, {platform.machine()}")
    print(f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}, OpenCV {cv2.__version__}")
    print("the least agreement is asked for on the market photo\n")
    print("| px | colour jitter | peer /s | ours /s | ratio | at least | PSNR dB | at least |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for jittered in (False, True):
        for number, size in enumerate(SIZES):
            released = dataclasses.replace(RECIPES["released"], size=size)
            recipe = released if jittered else dataclasses.replace(released, jitter=0.0)
            ours, peer = rates(photo, pyramid, recipe, options.rounds, options.seconds)
            kind, agreement = "p = 0.5", " | "
            if not jittered:
                psnr = mean_psnr(photo, pyramid, recipe, options.draws)
                kind, agreement = "none", f"{psnr:.2f} | {LEAST_PSNR[number]}"
            least = LEAST_RATIO[jittered][number]
            row = f"| {size} | {kind} | {peer:.0f} | {ours:.0f} | {ours / peer:.1f} | {least} | {agreement} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
