"""Colour profiles: photos in other colour spaces than sRGB are converted to it."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

_GREY, _RGB, _CMYK = "GRAY", "RGB", "CMYK"  # colour spaces, as ICC names them
_EQUAL = 2  # grey levels: a profile that changes no colour by more is sRGB, whatever its name


@dataclass(frozen=True)
class _Conversion:
    """What a profile does: the sentence to say, "" where it is sRGB, and the transform of LittleCMS, if any."""

    note: str
    transform: ImageCms.ImageCmsTransform | None = None


def profile_note(image: Image.Image, name: str) -> list[str]:
    """Return what is to be said of the colour profile of an image, nothing for sRGB and for no profile."""
    profile = image.info.get("icc_profile")
    note = _conversion(profile, _space(image)).note if profile else ""
    return [f"{name} has {note}"] if note else []


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image with its colours in sRGB.

    Args:
        image: of mode RGB, RGBA, L, LA or CMYK.
        profile: its ICC profile; without one, or with one that is not usable, the image is returned as it is.
    """
    transform = _conversion(profile, _space(image)).transform if profile else None
    if transform is None:
        return image
    alpha = image.getchannel("A") if "A" in image.mode else None
    colours = image.convert(transform.input_mode) if image.mode != transform.input_mode else image
    converted = transform.apply(colours)
    if alpha:
        converted.putalpha(alpha)
    return converted


def _space(image: Image.Image) -> str:
    if image.mode == "CMYK":
        return _CMYK
    return _GREY if image.mode[0] in "1LIF" else _RGB


@functools.lru_cache(maxsize=32)
def _conversion(profile: bytes, space: str) -> _Conversion:
    """Return the conversion for pixels of a colour space."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        intended = opened.profile.xcolor_space.strip()
        if intended != space and (intended, space) != (_RGB, _GREY):  # greys of RGB are common
            return _Conversion(f"a colour profile that is for {intended}, not {space}: ignored")
        name = ImageCms.getProfileDescription(opened).strip()
        mode = {_GREY: "L", _RGB: "RGB", _CMYK: "CMYK"}[intended]
        transform = ImageCms.buildTransform(
            opened, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
    except (ImageCms.PyCMSError, OSError):
        return _Conversion("a colour profile that is damaged: ignored")
    if mode != "CMYK" and _changes_nothing(transform):
        return _Conversion("")
    return _Conversion(f"the colour profile '{name}': converted to sRGB", transform)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether colours all over the space stay as they are, to `_EQUAL` grey levels."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    sample = Image.fromarray(grid).convert(transform.input_mode)
    before, after = np.asarray(sample.convert("RGB"), int), np.asarray(transform.apply(sample), int)
    return bool(np.abs(after - before).max() <= _EQUAL)
