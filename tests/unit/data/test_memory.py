"""The memory that a large photo takes: a file of a few kilobytes may unpack to gigabytes."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.data.crops.pyramid import pyramid_bytes
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.data.photos.decode import MOST_PIXELS, load_photo
from vissl_monoimage.errors import MonoImageError

WIDTH, HEIGHT = 2400, 1600
GREY = np.linspace(0, 255, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint8)
PHOTO = Image.fromarray(GREY).convert("RGB")


def peak(function: Callable[[], object]) -> float:
    """Return the bytes a pixel that this process has at most while `function` runs, beyond those it has before."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("the peak of a process cannot be reset here")
    before = memory("VmRSS")
    function()
    return (memory("VmHWM") - before) / (WIDTH * HEIGHT)


def memory(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(key)).split()[1])


def save(path: Path, kind: str) -> Path:
    photo = PHOTO.copy()
    if kind == "16 bits":
        assert cv2.imwrite(str(path), np.asarray(photo).astype(np.uint16) * 16, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        return path
    if kind == "transparent":
        photo.putalpha(128)
    photo.save(path, compress_level=1)
    return path


@pytest.mark.parametrize(("kind", "most"), [("8 bits", 9.5), ("transparent", 11), ("16 bits", 32)])
def test_the_bytes_a_pixel_of_decoding(tmp_path: Path, kind: str, most: float) -> None:
    path = save(tmp_path / "photo.png", kind)
    assert peak(lambda: load_photo(path)) < most


def test_levels_that_a_recipe_does_not_read_take_no_memory(tmp_path: Path) -> None:
    """All levels take 14 bytes a pixel, and sharing them with workers once took three times as much."""
    path, caches = save(tmp_path / "photo.png", "8 bits"), []
    recipe = Recipe(size=32, initial_crop=0, scale=(0.25, 1.0))
    warm_up = tmp_path / "small.png"
    PHOTO.resize((300, 200)).save(warm_up)
    ForkingPickler.dumps(PyramidCache([warm_up], recipe))  # imports and threads have memory of their own
    assert peak(lambda: caches.append(PyramidCache([path], recipe))) < 12
    assert peak(lambda: caches.append(ForkingPickler.dumps(caches[0]))) < 8
    assert pyramid_bytes(WIDTH, HEIGHT) > 13 * WIDTH * HEIGHT


def test_a_small_file_of_many_pixels_is_refused(tmp_path: Path) -> None:
    side = 13_300
    content = io.BytesIO()
    Image.new("1", (side, side)).save(content, "PNG")
    path = tmp_path / "bomb.png"
    path.write_bytes(content.getvalue())
    assert path.stat().st_size < 30_000
    assert 100_000_000 < MOST_PIXELS < side**2
    with pytest.raises(MonoImageError, match=r"bomb\.png unpacks to more than 120 megapixels"):
        load_photo(path)
