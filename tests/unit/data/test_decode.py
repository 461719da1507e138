"""Reading photos of every kind, and one sentence for each that cannot be read."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.data.photos.decode import file_sha256, load_photo
from vissl_monoimage.errors import MonoImageError

RAMP = np.add.outer(np.arange(40) * 3, np.arange(60) * 2).astype(np.uint8)
COLOUR = np.dstack([RAMP, RAMP[::-1], np.full_like(RAMP, 90)])


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_rgb_is_read_as_it_is_and_hashed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(COLOUR))
    photo = load_photo(path)
    assert (photo.pixels == COLOUR).all()
    assert photo.size == (60, 40)
    assert photo.notes == []
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == file_sha256(path)


def test_grey_and_palette(tmp_path: Path) -> None:
    grey = load_photo(save(tmp_path / "grey.png", Image.fromarray(RAMP)))
    assert (grey.pixels == RAMP[..., None]).all()
    palette = load_photo(save(tmp_path / "palette.png", Image.fromarray(COLOUR).quantize(64)))
    assert np.abs(palette.pixels.astype(int) - COLOUR).mean() < 6
    bits = load_photo(save(tmp_path / "bits.png", Image.fromarray(RAMP > 90)))
    assert (bits.pixels == np.where(RAMP > 90, 255, 0)[..., None]).all()


def test_cmyk_has_the_colours_of_the_rgb_it_was_made_from(tmp_path: Path) -> None:
    path = save(tmp_path / "cmyk.tif", Image.fromarray(COLOUR).convert("CMYK"))
    assert Image.open(path).mode == "CMYK"
    assert np.abs(load_photo(path).pixels.astype(int) - COLOUR).max() <= 2


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"deep.{suffix}", Image.fromarray(RAMP.astype(np.uint16) * 257))
    photo = load_photo(path)
    assert (photo.pixels == RAMP[..., None]).all()
    assert "more than 8" in photo.notes[0]


def test_floats_are_fractions(tmp_path: Path) -> None:
    photo = load_photo(save(tmp_path / "float.tif", Image.fromarray(RAMP.astype(np.float32) / 255)))
    assert (photo.pixels == RAMP[..., None]).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_alpha_is_laid_over_white_and_said(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(COLOUR).convert("RGBA")
    alpha = np.full(RAMP.shape, 255, np.uint8)
    alpha[:, :20] = 0
    image.putalpha(Image.fromarray(alpha))
    kept = image.convert("LA" if mode == "LA" else "RGBA")
    kept = kept.quantize(64, method=Image.Quantize.FASTOCTREE) if mode == "P" else kept
    photo = load_photo(save(tmp_path / "alpha.png", kept))
    assert (photo.pixels[:, :20] == 255).all()
    assert (photo.pixels[:, 20:] != 255).any()
    assert "laid over white" in photo.notes[0]


def test_half_transparent_is_half_way_to_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (100, 0, 200, 128))
    pixels = load_photo(save(tmp_path / "half.png", image)).pixels
    assert np.abs(pixels[0, 0].astype(int) - [177, 127, 227]).max() <= 1


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    path = save(tmp_path / "turned.jpg", Image.fromarray(COLOUR), quality=95, exif=exif)
    photo = load_photo(path)
    assert photo.size == (40, 60)
    assert np.abs(photo.pixels.astype(int) - np.rot90(COLOUR, -1)).mean() < 4


def test_animated_gives_its_first_frame_and_says_so(tmp_path: Path) -> None:
    frames = [Image.fromarray(RAMP), Image.fromarray(RAMP[::-1].copy())]
    photo = load_photo(save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:]))
    assert (photo.pixels == RAMP[..., None]).all()
    assert photo.notes == ["a.gif has 2 frames: the first is used"]


def bomb(path: Path) -> None:
    """A PNG header that promises 60000 x 60000 px."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)))


def without_width(path: Path) -> None:
    """Save a TIFF of two frames, the second without its width (tag 256), at which Pillow raises a TypeError."""
    frame = Image.new("RGB", (20, 10))
    frame.save(path, "TIFF", save_all=True, append_images=[frame])
    content = path.read_bytes()
    place = content.rindex(struct.pack("<HH", 256, 4))
    path.write_bytes(content[:place] + struct.pack("<H", 10) + content[place + 2 :])


def truncate(path: Path, kind: str) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)).save(path, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "not an image": (lambda path: path.write_text("hello"), "is not an image that Pillow can read"),
    "empty file": (lambda path: path.write_bytes(b""), "is not an image that Pillow can read"),
    "PostScript": (lambda path: Image.new("RGB", (8, 8)).save(path, "EPS"), "is not an image that Pillow can read"),
    "truncated JPEG": (lambda path: truncate(path, "JPEG"), "is truncated or damaged"),
    "truncated PNG": (lambda path: truncate(path, "PNG"), "is truncated or damaged"),
    "truncated WebP": (lambda path: truncate(path, "WEBP"), "truncated or damaged|not an image"),
    "TIFF frame without a width": (without_width, "truncated or damaged: Missing dimensions"),
    "truncated TIFF": (lambda path: truncate(path, "TIFF"), "truncated or damaged|not an image"),
    "decompression bomb": (bomb, "more than 120 megapixels"),
    "missing": (lambda path: None, "there is no file"),
    "folder": (lambda path: path.mkdir(), "is a folder, not a photo"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_get_one_sentence_with_their_name(tmp_path: Path, kind: str) -> None:
    make, sentence = BAD[kind]
    path = tmp_path / "photo.jpg"
    make(path)
    with pytest.raises(MonoImageError, match=sentence) as caught:
        load_photo(path)
    assert "photo.jpg" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreadable_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(COLOUR))
    path.chmod(0)
    with as_nobody(), pytest.raises(MonoImageError, match="cannot be read: Permission denied"):
        load_photo(path)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Where tests run as root, who may read everything, be another user for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
