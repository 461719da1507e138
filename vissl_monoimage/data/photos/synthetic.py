"""Synthetic controls: images of noise, of edges and of nothing at all, pure functions of size and seed.

They are lower bounds for what a photo can teach: `flat` has no edges, `white_noise` no structure, `pink_noise` the
spectrum of natural images but none of their edges, `dead_leaves` the edges and occlusions but no objects.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vissl_monoimage.data.photos.decode import Pixels
from vissl_monoimage.utils.atomic_write import atomic_write

_SMALLEST_LEAF = 3.0  # px
_ENOUGH_LEAVES = 2_000


def flat(size: int, seed: int) -> Pixels:
    """Return a single colour, drawn from `seed`: uint8 RGB (size, size, 3), like all functions here."""
    colour = np.random.default_rng(seed).integers(0, 256, 3, dtype=np.uint8)
    return np.broadcast_to(colour, (size, size, 3)).copy()


def white_noise(size: int, seed: int) -> Pixels:
    """Return noise: every channel of every pixel uniform in 0..255 and independent of all others."""
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def pink_noise(size: int, seed: int, exponent: float = 2.0) -> Pixels:
    """Return Gaussian noise whose power falls with frequency f as 1 / f^`exponent`, in each channel independently.

    Photos have an exponent of about 2. The mean is 127.5 and the standard deviation 40 grey levels, so that about 1
    value in 700 is clipped.
    """
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf  # no mean; it is set below
    amplitude = frequency ** (-exponent / 2) if exponent else np.isfinite(frequency).astype(float)
    white = np.fft.rfft2(generator.standard_normal((size, size, 3)), axes=(0, 1))
    noise = np.fft.irfft2(white * amplitude[..., None], s=(size, size), axes=(0, 1))
    scaled = 127.5 + 40 * noise / noise.std(axis=(0, 1))
    return scaled.round().clip(0, 255).astype(np.uint8)


def dead_leaves(size: int, seed: int) -> Pixels:
    """Return discs of random colour, the later ones over the earlier ones, with radii from 3 px to `size` / 4.

    The density of the radii, 1 / r^3, gives the scale invariance of natural images (Lee, Mumford and Huang, IJCV 2001).
    """
    import cv2  # takes long, and every command that knows the names of these photos imports this module

    generator = np.random.default_rng(seed)
    largest = max(size / 4, _SMALLEST_LEAF + 1)
    low, high = largest**-2, _SMALLEST_LEAF**-2
    image = flat(size, seed)
    for _ in range(max(_ENOUGH_LEAVES, size * size // 20)):
        radius = generator.uniform(low, high) ** -0.5
        x, y = generator.uniform(-radius, size + radius, 2)
        colour = [int(value) for value in generator.integers(0, 256, 3)]
        cv2.circle(image, (round(x), round(y)), round(radius), colour, thickness=-1)
    return image


def checkerboard(size: int, seed: int) -> Pixels:
    """Return black and white squares of `size` / 16 px, the first of them black for an even seed."""
    square = max(1, size // 16)
    rows, columns = np.indices((size, size)) // square
    black_or_white = ((rows + columns + seed) % 2 * 255).astype(np.uint8)
    return np.repeat(black_or_white[..., None], 3, axis=2)


SYNTHETIC: dict[str, Callable[[int, int], Pixels]] = {
    "flat": flat,
    "white_noise": white_noise,
    "pink_noise": pink_noise,
    "dead_leaves": dead_leaves,
    "checkerboard": checkerboard,
}


def write_synthetic(name: str, file: Path, size: int = 512) -> None:
    """Write the synthetic photo `name`, `size` px squared and of seed 0, as a PNG file.

    Raises:
        MonoImageError: the file cannot be written.
    """
    with atomic_write(file) as part:
        part.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(SYNTHETIC[name](size, 0)).save(part, "PNG")
