"""Colour profiles: what is converted to sRGB, what is left as it is, and that both are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from peers import icc
from PIL import Image

from vissl_monoimage.data.photo_patches import load_grey
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.data.photos.inspect import inspect_photo

COLOUR = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def save(path: Path, image: Image.Image, profile: bytes | None) -> Path:
    image.save(path, icc_profile=profile)
    return path


@pytest.mark.parametrize("space", [icc.DISPLAY_P3, icc.PROPHOTO], ids=lambda space: space.name)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_other_spaces_are_converted_to_srgb(tmp_path: Path, space: icc.Space, suffix: str) -> None:
    photo = load_photo(save(tmp_path / f"a.{suffix}", Image.fromarray(COLOUR), space.profile()))
    expected = space.to_srgb(COLOUR)
    assert np.abs(COLOUR - expected).mean() > 10
    assert np.abs(photo.pixels - expected).max() < 1.5
    assert photo.notes == [f"a.{suffix} has the colour profile '{space.name}': converted to sRGB"]
    assert list(inspect_photo(photo.path).notes) == photo.notes


def test_a_jpeg_is_converted_and_inspection_says_so_from_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vissl_monoimage.data.photos import inspect

    path = tmp_path / "a.jpg"
    Image.fromarray(COLOUR).save(path, quality=95, icc_profile=icc.DISPLAY_P3.profile())
    plain = tmp_path / "plain.jpg"
    Image.fromarray(COLOUR).save(plain, quality=95)
    photo = load_photo(path)
    assert np.abs(photo.pixels - icc.DISPLAY_P3.to_srgb(load_photo(plain).pixels)).max() < 1.5
    monkeypatch.setattr(inspect, "decode", lambda *_: pytest.fail("decoded"))
    assert inspect_photo(path).notes == ("a.jpg has the colour profile 'Display P3': converted to sRGB",)


@pytest.mark.parametrize("mode", ["P", "RGBA", "L", "LA"])
def test_other_modes_are_converted(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(COLOUR).quantize(64) if mode == "P" else Image.fromarray(COLOUR).convert(mode)
    grey = mode in ("L", "LA")
    profile = icc.grey_profile(1.8) if grey else icc.DISPLAY_P3.profile()
    photo = load_photo(save(tmp_path / "a.png", image, profile))
    values = np.asarray(image.convert("RGB"))
    expected = icc.grey_to_srgb(values, 1.8) if grey else icc.DISPLAY_P3.to_srgb(values)
    assert np.abs(values - expected).max() > 9
    assert np.abs(photo.pixels - expected).max() < 2


def test_srgb_by_any_name_and_no_profile_leave_every_byte(tmp_path: Path) -> None:
    named = Path(CATALOG["china"].path)
    assert Image.open(named).info["icc_profile"]
    for path in (
        save(tmp_path / "none.png", Image.fromarray(COLOUR), None),
        save(tmp_path / "hand.png", Image.fromarray(COLOUR), icc.SRGB.profile()),
        named,
    ):
        photo = load_photo(path)
        assert photo.notes == []
        assert (photo.pixels == np.asarray(Image.open(path).convert("RGB"))).all()


@pytest.mark.parametrize(("profile", "why"), [(b"no profile", "is damaged"), (icc.grey_profile(2.2), "is for GRAY")])
def test_a_profile_that_does_not_fit_is_ignored_and_named(tmp_path: Path, profile: bytes, why: str) -> None:
    photo = load_photo(save(tmp_path / "a.png", Image.fromarray(COLOUR), profile))
    assert (photo.pixels == COLOUR).all()
    assert photo.notes[0].startswith("a.png has a colour profile that ")
    assert why in photo.notes[0]
    assert list(inspect_photo(photo.path).notes) == photo.notes


def test_the_patches_of_the_rocket_stay_as_they_are_and_the_photo_is_converted() -> None:
    """`rocket` has the profile of Adobe RGB. The protocol patches-v1 was defined without looking at it."""
    file = Image.open(CATALOG["rocket"].path)
    assert load_grey("rocket").tobytes() == file.convert("L").tobytes()
    photo = load_photo(CATALOG["rocket"].path)
    assert photo.notes == ["rocket.jpg has the colour profile 'Adobe RGB (1998)': converted to sRGB"]
    assert np.abs(photo.pixels - np.asarray(file.convert("RGB"), float)).mean() > 1
