"""An image of any mode as upright RGB."""

from __future__ import annotations

from PIL import ExifTags, Image

from vissl_monoimage.data.photos.bands import bands, crop_rows
from vissl_monoimage.data.photos.bit_depth import is_deep, to_eight_bits
from vissl_monoimage.data.photos.colour_profile import profile_note, to_srgb

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a photo upright, by the orientation in its EXIF data."""


def to_rgb(image: Image.Image, content: bytes, name: str, notes: list[str]) -> Image.Image:
    """Return the image upright, with 8 bits a value, in sRGB and over white.

    Args:
        image: as Pillow opened it, not yet loaded.
        content: the bytes of its file.
        name: of the file, for messages.
        notes: a sentence is added for each of these steps that changes colours.

    Raises:
        MonoImageError: the values cannot be scaled to 8 bits.
    """
    profile, profile_notes, deep = image.info.get("icc_profile"), profile_note(image, name), is_deep(image)
    image.load()
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    if deep:
        image = to_eight_bits(image, content, name, notes)
    notes += profile_notes
    image = _over_white(image, profile, name, notes) if _has_alpha(image) else to_srgb(_plain(image), profile)
    image = image if image.mode == "RGB" else image.convert("RGB")
    return image.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else image


def _plain(image: Image.Image) -> Image.Image:
    """Return the image in a mode that profiles are made for."""
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _over_white(image: Image.Image, profile: bytes | None, name: str, notes: list[str]) -> Image.Image:
    # RGBa and La (premultiplied) reach RGBA only through their own straight mode.
    straight = {"La": "LA", "RGBa": "RGBA"}.get(image.mode)
    image = image.convert(straight) if straight else image
    layer = _as_rgba(to_srgb(image if image.mode == "LA" else _as_rgba(image), profile))
    if layer.getchannel("A").getextrema() == (255, 255):
        return layer
    notes.append(f"{name} has transparent parts: laid over white")
    result = Image.new("RGB", layer.size)
    for rows in bands(layer.height, layer.width):
        part = crop_rows(layer, rows)
        result.paste(Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB"), (0, rows.start))
    return result


def _as_rgba(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGBA" and "transparency" not in image.info else image.convert("RGBA")
