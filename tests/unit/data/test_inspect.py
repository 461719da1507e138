"""Inspecting photos without decoding them, compared with decoding them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.data.photos import inspect as inspection
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.data.photos.inspect import PhotoFile, inspect_photo, inspect_photos
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils import progress

NOISE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
COLOUR = Image.fromarray(NOISE)


def turned(path: Path, **options: object) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    COLOUR.save(path, exif=exif, **options)


def transparent() -> Image.Image:
    image = COLOUR.convert("RGBA")
    image.putalpha(Image.fromarray(NOISE[..., 0]))
    return image


def with_tail(path: Path) -> None:
    """A JPEG with bytes behind its end that look like another scan, as phones append films."""
    COLOUR.save(path)
    path.write_bytes(path.read_bytes() + b"film \xff\xda film")


FROM_HEADER: dict[str, Callable[[Path], object]] = {
    "a.jpg": lambda path: COLOUR.save(path),
    "progressive.jpg": lambda path: COLOUR.save(path, progressive=True),
    "grey.jpg": lambda path: COLOUR.convert("L").save(path),
    "cmyk.jpg": lambda path: COLOUR.convert("CMYK").save(path),
    "turned.jpg": turned,
    "two.jpg": lambda path: COLOUR.save(path, "MPO", save_all=True, append_images=[COLOUR]),
    "a.png": lambda path: COLOUR.save(path),
    "bits.png": lambda path: COLOUR.convert("1").save(path),
    "palette.png": lambda path: COLOUR.quantize(16).save(path),
}
BY_DECODING: dict[str, Callable[[Path], object]] = {
    "turned.png": turned,
    "with_tail.jpg": with_tail,
    "transparent.png": lambda path: transparent().save(path),
    "palette_with_holes.png": lambda path: transparent().quantize(16, Image.Quantize.FASTOCTREE).save(path),
    "deep.png": lambda path: Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257).save(path),
    "moving.gif": lambda path: COLOUR.save(path, save_all=True, append_images=[COLOUR.rotate(90)]),
    "a.webp": lambda path: COLOUR.save(path),
    "a.tif": lambda path: COLOUR.save(path),
}


@pytest.mark.parametrize("name", [*FROM_HEADER, *BY_DECODING])
def test_inspection_says_what_decoding_would_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path, decoded = tmp_path / name, []
    (FROM_HEADER | BY_DECODING)[name](path)
    decode = inspection.decode
    monkeypatch.setattr(inspection, "decode", lambda *args: decoded.append(args) or decode(*args))
    photo = load_photo(path)
    assert inspect_photo(path) == PhotoFile(path, *photo.size, photo.sha256, tuple(photo.notes))
    assert len(decoded) == (name in BY_DECODING)


def truncate(path: Path, **options: object) -> None:
    COLOUR.save(path, **options)
    path.write_bytes(path.read_bytes()[:-200])


def truncate_behind_its_thumbnail(path: Path) -> None:
    """The end marker of the small picture in a JPEG's EXIF block is not the end of the photo."""
    thumbnail = io.BytesIO()
    COLOUR.resize((16, 12)).save(thumbnail, "JPEG")
    truncate(path, exif=b"Exif\0\0" + thumbnail.getvalue())


def flip_a_bit(path: Path) -> None:
    COLOUR.save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def garbage_with_a_right_check_sum(path: Path) -> None:
    """A PNG in which all but the compressed pixels is right."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 80, 60, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"garbage" * 99) + chunk(b"IEND", b""))


BAD: dict[str, Callable[[Path], object]] = {
    "a.jpg": truncate,
    "progressive.jpg": lambda path: truncate(path, progressive=True),
    "thumbnail.jpg": truncate_behind_its_thumbnail,
    "a.png": truncate,
    "flipped.png": flip_a_bit,
    "a.webp": truncate,
    "a.tif": truncate,
    "a.bmp": truncate,
    "text.jpg": lambda path: path.write_text("hello"),
    "missing.jpg": lambda path: None,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_found_before_it_is_used(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    BAD[name](path)
    with pytest.raises(MonoImageError) as caught:
        inspect_photo(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damage_that_inspection_overlooks_is_named_by_decoding(tmp_path: Path) -> None:
    path = tmp_path / "garbage.png"
    garbage_with_a_right_check_sum(path)
    assert (inspect_photo(path).width, inspect_photo(path).height) == (80, 60)
    with pytest.raises(MonoImageError, match=r"garbage\.png is truncated or damaged"):
        load_photo(path)


def test_each_bad_photo_of_many_has_a_line(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number:02}.jpg" for number in range(30)]
    for number, path in enumerate(paths):
        (truncate if number % 10 == 3 else COLOUR.save)(path)

    def accept(file: PhotoFile) -> None:
        if file.path == paths[5]:
            raise MonoImageError(f"{file.path} is too small")

    with pytest.raises(MonoImageError) as caught:
        inspect_photos(paths, accept)
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [str(paths[number]) for number in (3, 5, 13, 23)]
    for path in paths[14:20]:
        truncate(path)
    with pytest.raises(MonoImageError, match=r"\n5 more photos of 30 are refused$"):
        inspect_photos(paths, accept)


def test_inspecting_many_photos_shows_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    for path in paths:
        COLOUR.save(path)
    assert [file.path for file in inspect_photos(paths, lambda file: None)] == paths
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    inspect_photos(paths, lambda file: None)
    assert capsys.readouterr().out.splitlines()[-1].startswith("checking photos, photo 3/3, ")
