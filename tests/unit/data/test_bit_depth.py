"""Photos of more than 8 bits a value: which bits are used, what becomes of floats, and what is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.data.photos.inspect import inspect_photo
from vissl_monoimage.errors import MonoImageError

RAMP = np.add.outer(np.arange(40) * 3, np.arange(60) * 2) / 235  # 0..1
COLOUR = np.dstack([RAMP, RAMP[::-1], np.sqrt(RAMP)])


def as_bits(values: NDArray[np.float64], bits: int) -> NDArray[np.uint16]:
    return (values * (2**bits - 1)).round().astype(np.uint16)


def save(path: Path, values: NDArray[np.generic]) -> Path:
    """Grey by Pillow, colours by OpenCV, for Pillow has no colours of 16 bits."""
    if values.ndim == 2:
        Image.fromarray(values).save(path)
    else:
        assert cv2.imwrite(str(path), values[..., [2, 1, 0, *range(3, values.shape[2])]])
    return path


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("values", [RAMP, COLOUR], ids=["grey", "colour"])
def test_the_bits_in_use_are_found_from_the_largest_value(
    tmp_path: Path, values: NDArray[np.float64], suffix: str, bits: int
) -> None:
    photo = load_photo(save(tmp_path / f"deep.{suffix}", as_bits(values, bits)))
    expected = values if values.ndim == 3 else np.dstack([values] * 3)
    assert np.abs(photo.pixels / 255 - expected).max() < 1.1 / 255
    if bits < 16:
        note = f"deep.{suffix} has 16 bits a value, and its largest needs {bits}: taken for {bits} bits"
        assert photo.notes == [note]


def test_transparency_of_sixteen_bits_is_kept(tmp_path: Path) -> None:
    alpha = np.full(RAMP.shape, 65535, np.uint16)
    alpha[:, :20] = 0
    photo = load_photo(save(tmp_path / "deep.png", np.dstack([as_bits(COLOUR, 12), alpha])))
    assert (photo.pixels[:, :20] == 255).all()
    assert np.abs(photo.pixels[:, 20:] / 255 - COLOUR[:, 20:]).max() < 1.1 / 255


def test_declared_bits_count_more_than_the_largest_value(tmp_path: Path) -> None:
    """A dark photo stays dark where the file says of how many bits it is."""
    Image.fromarray(as_bits(RAMP / 20, 12)).save(tmp_path / "dark.tif", tiffinfo={281: 4095})
    photo = load_photo(tmp_path / "dark.tif")
    assert np.abs(photo.pixels[..., 0] / 255 - RAMP / 20).max() < 1.1 / 255
    assert photo.notes == ["dark.tif has 12 bits a value, more than 8: scaled"]


def test_a_grey_map_declares_its_largest_value(tmp_path: Path) -> None:
    (tmp_path / "dark.pgm").write_bytes(b"P5 60 40 4095\n" + as_bits(RAMP / 20, 12).astype(">u2").tobytes())
    assert np.abs(load_photo(tmp_path / "dark.pgm").pixels[..., 0] / 255 - RAMP / 20).max() < 1.1 / 255


def test_eight_of_thirty_two_bits(tmp_path: Path) -> None:
    bytes_ = (RAMP * 255).round().astype(np.int32)
    photo = load_photo(save(tmp_path / "wide.tif", bytes_))
    assert (photo.pixels == bytes_[..., None]).all()


def test_all_of_thirty_two_bits(tmp_path: Path) -> None:
    photo = load_photo(save(tmp_path / "wide.tif", (RAMP * (2**31 - 1)).astype(np.int32)))
    assert np.abs(photo.pixels[..., 0] / 255 - RAMP).max() < 1.1 / 255


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255), (0, 3.7), (0, 40_000), (-1, 1)])
def test_floats_of_any_range(tmp_path: Path, low: float, high: float) -> None:
    photo = load_photo(save(tmp_path / "float.tif", (low + RAMP * (high - low)).astype(np.float32)))
    assert np.abs(photo.pixels[..., 0] / 255 - RAMP).max() < 1.1 / 255
    assert photo.notes == [f"float.tif has floats: scaled from {low:g}..{high:g} to 8 bits"]


def test_dark_floats_up_to_one_stay_dark(tmp_path: Path) -> None:
    photo = load_photo(save(tmp_path / "float.tif", (RAMP / 20).astype(np.float32)))
    assert np.abs(photo.pixels[..., 0] / 255 - RAMP / 20).max() < 1.1 / 255


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_no_number_is_black_and_the_rest_is_kept(tmp_path: Path, bad: float) -> None:
    values = (RAMP * 3).astype(np.float32)
    values[7] = bad
    photo = load_photo(save(tmp_path / "holes.tif", values))
    assert (photo.pixels[7] == 0).all()
    assert np.abs(np.delete(photo.pixels[..., 0], 7, 0) / 255 - np.delete(RAMP, 7, 0)).max() < 1.1 / 255
    assert "2.5% of its values are not finite and become black" in photo.notes[0]


def test_what_becomes_one_colour_is_refused(tmp_path: Path) -> None:
    outlier = RAMP.astype(np.float32)
    outlier[3, 3] = 1e12
    with pytest.raises(MonoImageError, match=r"outlier\.tif .*0\.\.1e\+12.* would make 100% of them equal"):
        load_photo(save(tmp_path / "outlier.tif", outlier))
    nothing = np.full(RAMP.shape, np.nan, np.float32)
    with pytest.raises(MonoImageError, match=r"nothing\.tif has no finite value"):
        load_photo(save(tmp_path / "nothing.tif", nothing))


def test_a_photo_of_one_value_is_not_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "flat.png", np.full((40, 60), 40_000, np.uint16))
    assert (load_photo(path).pixels == round(40_000 / 65535 * 255)).all()


@pytest.mark.parametrize("values", [as_bits(RAMP, 12), as_bits(COLOUR, 12), RAMP.astype(np.float32)])
def test_inspection_has_the_same_notes(tmp_path: Path, values: NDArray[np.generic]) -> None:
    path = save(tmp_path / ("a.tif" if values.dtype == np.float32 else "a.png"), values)
    assert list(inspect_photo(path).notes) == load_photo(path).notes != []


def test_a_turned_photo_of_twelve_bits_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "plain.png", as_bits(COLOUR, 12))
    content = (tmp_path / "plain.png").read_bytes()
    chunk = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "turned.png").write_bytes(content[:33] + chunk + content[33:])
    assert (load_photo(tmp_path / "turned.png").pixels == np.rot90(load_photo(tmp_path / "plain.png").pixels, -1)).all()


def test_colours_in_the_lowest_bits_below_an_outlier_are_refused(tmp_path: Path) -> None:
    """Pillow keeps the upper 8 bits: they would be black."""
    values = as_bits(COLOUR, 7)
    values[3, 3] = 65535
    with pytest.raises(MonoImageError, match="convert it to 8 bits, with the range that matters"):
        load_photo(save(tmp_path / "outlier.png", values))
