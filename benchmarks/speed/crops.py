"""Crops per second and agreement, beside the authors' chain of torchvision transforms (`tests/peers/pil_chain.py`).

Both sides start from the decoded photo, draw their own parameters and end with a PIL image, in one process on one
core. The photo is the paper's market photo, MONOIMAGE_DATA/images/ameyoko.jpg, or a free one tiled to its size.
Agreement is the mean PSNR over draws that both sides render from the same parameters, without colour jitter; its goal
holds for the market photo. Libraries that have the recipe's parts are measured too (`crop_peers.py`), where they are
installed; they start from an array or a tensor and end with one.

The last figures are page faults a crop in a process whose C library returns blocks of 128 kB and more to the kernel, as
it may if other libraries ask for that: crops are rendered in memory that is kept.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import random
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from peers.pil_chain import LEAST_PSNR, mean_psnr, random_chain
from PIL import Image

from benchmarks.speed.crop_peers import missing, peers
from benchmarks.speed.measurement import Figure, Measurement, median_of, median_ratio, take_turns
from vissl_monoimage.data.crops.params import draw_crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.render import render
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo

LEAST_RATIO = {False: {256: 13, 128: 30, 64: 65, 32: 100}, True: {256: 10, 128: 20, 64: 40, 32: 60}}
RELEASED = RECIPES["released"]
MARKET_SIZE = (2560, 1920)
CROPS_FOR_FAULTS = 50
SECONDS, DRAWS = 0.4, 1000
"""Process time of one side in a round, and draws compared for the agreement."""


def rates(photo: Image.Image, pyramid: Pyramid, recipe: Recipe, rounds: int) -> list[dict[str, float]]:
    """Return crops per second of process time of all sides, in each round."""
    chain = random_chain(recipe, photo)
    pyramid.make_levels(recipe.smallest_scale(*photo.size), recipe.largest_scale(*photo.size))
    sides: dict[str, Callable[[int], object]] = {
        "ours": lambda index: render(pyramid, draw_crop(recipe, *photo.size, seed=1, split=0, index=index), recipe),
        "theirs": lambda _: chain(photo),
    }
    for name, draw in peers(recipe, np.asarray(photo)):
        sides[name] = lambda _, draw=draw: draw()  # type: ignore[misc]

    def rate_of(side: Callable[[int], object], seconds: float) -> Callable[[], float]:
        count = max(1, round(seconds * _rate(side, 20 if seconds == SECONDS else 5)))
        return lambda: _rate(side, count)

    seconds = {name: SECONDS if name in ("ours", "theirs") else SECONDS / 2 for name in sides}
    return take_turns({name: rate_of(side, seconds[name]) for name, side in sides.items()}, rounds)


def _rate(side: Callable[[int], object], count: int) -> float:
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


def measure(rounds: int) -> Measurement:
    """Return the rate of each size with and without colour jitter, and the agreement of each size."""
    cv2.setNumThreads(1)
    random.seed(0)
    torch.manual_seed(0)
    pixels, name = bench_photo()
    photo, pyramid = Image.fromarray(pixels), Pyramid.build(pixels)
    figures: list[Figure] = []
    every: dict[str, list[dict[str, float]]] = {}
    for jittered, least in LEAST_RATIO.items():
        for size, at_least in least.items():
            recipe = dataclasses.replace(RELEASED, size=size, jitter=RELEASED.jitter if jittered else 0.0)
            title = f"{size} px, {'colour jitter with p = 0.5' if jittered else 'no colour jitter'}"
            every[title] = values = rates(photo, pyramid, recipe, rounds)
            ours, theirs = median_of(values, "ours"), median_of(values, "theirs")
            ratio = median_ratio(values, "ours", "theirs")
            figures.append(Figure(title, "crops/s", round(ours), round(theirs), ratio, at_least=at_least))
            figures += [
                Figure(
                    f"{title}, beside {name}", "crops/s", round(ours), round(median_of(values, name)),
                    median_ratio(values, "ours", name),
                )
                for name in values[0]
                if name not in ("ours", "theirs")
            ]  # fmt: skip
    figures += _agreement(photo, pyramid)
    figures += _page_faults(pyramid)
    without = missing()
    peer = "the paper's chain of torchvision transforms on PIL images"
    if without:
        peer += f" ({' and '.join(without)}: not installed here)"
    title = f"crops from {name}, {photo.width}x{photo.height} px"
    return Measurement(title, peer, "process", tuple(figures), every)


def _agreement(photo: Image.Image, pyramid: Pyramid) -> Iterator[Figure]:
    for size, at_least in LEAST_PSNR.items():
        recipe = dataclasses.replace(RELEASED, size=size, jitter=0.0)
        psnr = mean_psnr(photo, pyramid, recipe, DRAWS)
        yield Figure(f"{size} px, agreement over {DRAWS:,} draws", "dB", psnr, None, psnr, at_least=at_least)


def _page_faults(pyramid: Pyramid) -> Iterator[Figure]:
    """Yield the page faults a crop of 256 px; as the last figures, for the setting of the allocator stays."""
    trim_threshold, mmap_threshold = -1, -3
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return
    for threshold in (trim_threshold, mmap_threshold):
        library.mallopt(threshold, 128 << 10)
    for jitter in (0.0, 1.0):
        recipe = dataclasses.replace(RELEASED, size=256, jitter=jitter)
        for _ in range(2):  # the first time, levels of the pyramid and arrays are made
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            for index in range(CROPS_FOR_FAULTS):
                render(pyramid, draw_crop(recipe, pyramid.width, pyramid.height, seed=1, split=0, index=index), recipe)
            faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / CROPS_FOR_FAULTS
        yield Figure(
            f"256 px, jitter p = {jitter:g}, allocator returns blocks",
            "page faults a crop",
            faults,
            None,
            faults,
            at_most=1,
        )
