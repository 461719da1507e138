"""Measures of the pixels of a photo at the working size: edges, spectrum, colours, texture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from vissl_monoimage.data.photos.decode import Pixels

WORKING_SIDE = 256
"""px: the shorter side that every photo is resized to first, so that measures do not depend on its resolution."""
EDGE = 16.0
"""Grey levels per px: a pixel with a longer Sobel gradient is an edge."""
LOWEST, HIGHEST = 4, 100
"""Cycles across the square: the slope of the spectrum is fitted between them, clear of window and resampling."""
COLOUR_LEVELS = 16
TILE = 16
GREY_LEVELS = 32


def at_working_size(photo: Pixels) -> Pixels:
    """Return RGB (height, width, 3) with its shorter side at WORKING_SIDE px: area averages, or bicubic enlargement."""
    height, width = photo.shape[:2]
    factor = WORKING_SIDE / min(height, width)
    size = max(WORKING_SIDE, round(width * factor)), max(WORKING_SIDE, round(height * factor))
    if size == (width, height):
        return photo
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, size, interpolation=interpolation), np.uint8)


def grey(photo: Pixels) -> Pixels:
    """Return the luma (height, width), 0..255, of RGB (height, width, 3)."""
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)


def edge_map(photo: Pixels) -> NDArray[np.bool_]:
    """Return (height, width), true where the Sobel gradient (3x3, over 8: grey levels per px) is longer than EDGE."""
    luma = grey(photo)
    along_x, along_y = (
        cv2.Sobel(luma, cv2.CV_32F, dx, 1 - dx, scale=1 / 8, borderType=cv2.BORDER_REPLICATE) for dx in (1, 0)
    )
    return np.asarray(np.hypot(along_x, along_y) > EDGE)


def edge_density(photo: Pixels) -> float:
    """Return the share of pixels that are edges (`edge_map`), 0..1."""
    return float(edge_map(photo).mean())


def spectrum(photo: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (frequency, power) of the centre square under a Hann window.

    Frequencies are in cycles across the square: 1, 2, ... Power is the mean over all directions of |FFT|^2 of the luma
    less its mean, in rings one cycle wide, and at least the power of the noise from rounding to whole grey levels
    (variance 1/12): bytes do not record what is below it.
    """
    luma = grey(photo).astype(np.float64)
    side = min(luma.shape)
    top, left = (luma.shape[0] - side) // 2, (luma.shape[1] - side) // 2
    square = luma[top : top + side, left : left + side]
    window = np.outer(np.hanning(side), np.hanning(side))
    power = np.abs(np.fft.fft2((square - square.mean()) * window)) ** 2
    cycles = np.fft.fftfreq(side, 1 / side)
    ring = np.hypot(cycles[:, None], cycles[None, :]).round().astype(int).ravel()
    mean = np.bincount(ring, power.ravel()) / np.maximum(np.bincount(ring), 1)
    frequency = np.arange(1, side // 2)
    return frequency.astype(np.float64), np.maximum(mean[frequency], np.square(window).sum() / 12)


def spectrum_fit(photo: Pixels) -> tuple[float, float]:
    """Return (slope, intercept) of log10 power over log10 frequency, by least squares between LOWEST and HIGHEST.

    Rings weigh 1 / frequency, so that every octave counts the same. A flat image has slope 0. For an exactly periodic
    pattern, whose spectrum is a comb, the line says little.
    """
    frequency, power = spectrum(photo)
    chosen = (frequency >= LOWEST) & (frequency <= HIGHEST)
    x, y = np.log10(frequency[chosen]), np.log10(power[chosen])
    slope, intercept = np.polyfit(x, y, 1, w=np.sqrt(1 / frequency[chosen]))
    return float(slope), float(intercept)


def spectrum_slope(photo: Pixels) -> float:
    """Return the exponent of power over frequency (`spectrum_fit`): about -2 in natural images, 0 in white noise."""
    return spectrum_fit(photo)[0]


def colour_counts(photo: Pixels) -> NDArray[np.int64]:
    """Return how many pixels have each of 4,096 colours: COLOUR_LEVELS levels of red, green and blue each."""
    red, green, blue = np.moveaxis(photo // (256 // COLOUR_LEVELS), -1, 0).astype(np.int64)
    code = (red * COLOUR_LEVELS + green) * COLOUR_LEVELS + blue
    return np.bincount(code.ravel(), minlength=COLOUR_LEVELS**3)


def colour_entropy(photo: Pixels) -> float:
    """Return the entropy of the colours (`colour_counts`) in bits per pixel, 0..12."""
    return float(entropy(colour_counts(photo), base=2))


def patch_entropy(photo: Pixels) -> float:
    """Return the mean entropy in bits per pixel, 0..5, of GREY_LEVELS grey levels within tiles of TILE px side."""
    luma = grey(photo) // (256 // GREY_LEVELS)
    rows, columns = luma.shape[0] // TILE, luma.shape[1] // TILE
    tiles = luma[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE).swapaxes(1, 2)
    flat_tiles = tiles.reshape(rows * columns, TILE * TILE).astype(np.int64)
    code = flat_tiles + GREY_LEVELS * np.arange(len(flat_tiles))[:, None]
    counts = np.bincount(code.ravel(), minlength=GREY_LEVELS * len(flat_tiles))
    return float(entropy(counts.reshape(-1, GREY_LEVELS), base=2, axis=1).mean())
