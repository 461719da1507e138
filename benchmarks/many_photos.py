"""Crops a second, decodes and memory with 1, 10 and 1,000 photos, in the order of a run and in a plain shuffle.

    python benchmarks/many_photos.py [--photos 1000] [--size 64]

One core, CPU time. The photos are JPEG files of 500x375 px, as ImageNet's commonly are, cut at random from
scikit-learn's two (CC BY 2.0: china, by danielbuechele; flower, by vultilion) and written to a temporary folder. 1,000
of them take 2.6 GB decoded, more than a process holds (`data.photos.cache.CACHE_BYTES`). A training run then visits
them in groups (`data.photo_order`), and the figures are those of one whole group of an epoch of 1,281,167 samples, its
decoding included. Each case has a process of its own. The rows go to benchmarks/results/many_photos.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import PIL
import torch
from PIL import Image

from vissl_monoimage.data.crops.sample import photo_of
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.photo_order import photo_groups
from vissl_monoimage.data.photos import cache
from vissl_monoimage.data.photos import decode as decoder
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.utils.random import generator

RESULT = Path(__file__).parent / "results" / "many_photos.json"
PHOTO_SIZE = (500, 375)
ENOUGH = 5_000  # samples where every one costs about the same
THRASHING = 400  # timed samples of a plain shuffle, after as many decodes as fill the cache


@dataclass(frozen=True)
class Row:
    """One case. start_s: wall time until the first sample can be drawn; rss: of the process, before and at its peak."""

    photos: int
    order: str
    size: int
    start_s: float
    samples: int
    crops_per_s: float
    decodes_per_1000: float
    rss_before_mb: int
    rss_peak_mb: int


def main() -> None:
    """Measure, print, write."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--photos", type=int, default=1000, help="of the largest case [1000]")
    parser.add_argument("--size", type=int, default=64, help="px, side of a sample [64]")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(Path(folder), options.photos)
        for count, order in ((1, "run"), (10, "run"), (options.photos, "run"), (options.photos, "plain shuffle")):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                rows.append(process.submit(measure, paths[:count], order, options.size).result())
            print(rows[-1], flush=True)
    versions = {"torch": str(torch.__version__), "pillow": PIL.__version__, "opencv": cv2.__version__}
    RESULT.write_text(json.dumps([{**asdict(row), **versions} for row in rows], indent=1) + "\n")


def write_photos(folder: Path, count: int) -> list[str]:
    """`count` different photos as JPEG files."""
    originals = [Image.open(CATALOG[name].path).convert("RGB") for name in ("china", "flower")]
    draw = np.random.default_rng(0)
    for number in range(count):
        photo = originals[number % 2]
        width = int(draw.integers(photo.width // 2, photo.width))
        height = min(width * PHOTO_SIZE[1] // PHOTO_SIZE[0], photo.height)
        left, top = int(draw.integers(photo.width - width + 1)), int(draw.integers(photo.height - height + 1))
        cut = photo.crop((left, top, left + width, top + height)).resize(PHOTO_SIZE)
        cut.save(folder / f"{number:04}.jpg", quality=90)
    return [str(path) for path in sorted(folder.iterdir())]


def measure(paths: list[str], order: str, size: int) -> Row:
    """Draw samples of these photos in this order, in a process that does nothing else."""
    torch.set_num_threads(1)
    before = peak_mb()
    began = time.monotonic()
    crops = SingleImageCrops(paths, read_source_block({"SIZE": size}))
    started = time.monotonic() - began
    shuffled = torch.randperm(len(crops), generator=generator("shuffle")).numpy()
    warm_up = shuffled[:0]
    if crops.photos.all_in_memory:
        samples = shuffled[:ENOUGH]
    elif order == "run":
        group = photo_groups(crops.photos, generator("order"))[0]
        samples = shuffled[np.isin(photo_of(shuffled, len(paths)), group)]
    else:
        fill = 2 * cache.CACHE_BYTES // crops.photos.sizes[0]
        warm_up, samples = shuffled[:fill], shuffled[fill : fill + THRASHING]
    for index in warm_up:
        crops[int(index)]
    decodes = 0
    decode = decoder.decode

    def counting(path: Path, content: bytes) -> decoder.Photo:
        nonlocal decodes
        decodes += 1
        return decode(path, content)

    with mock.patch.object(cache, "decode", counting):
        cpu = time.process_time()
        for index in samples:
            crops[int(index)]
        cpu = time.process_time() - cpu
    rate, often = round(len(samples) / cpu, 1), round(1000 * decodes / len(samples), 2)
    return Row(len(paths), order, size, round(started, 2), len(samples), rate, often, before, peak_mb())


def peak_mb() -> int:
    """Return the largest amount of memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
