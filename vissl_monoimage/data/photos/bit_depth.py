"""Photos of more than 8 bits a value: integers of 10 to 32 bits, and floats, as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from vissl_monoimage.data.photos.bands import bands, count_values
from vissl_monoimage.errors import MonoImageError

Values = NDArray[Any]

_DEPTHS = (8, 10, 12, 14, 16)  # those that sensors and files have; a wider integer may have any
_UNIFORM = 0.99  # share of equal values: a photo that scaling makes this uniform is refused
_BITS_PER_SAMPLE, _LARGEST_SAMPLE = 258, 281  # TIFF's tags
_SCALED_BY_PILLOW = ("PPM", "JPEG2000")  # to all 16 bits, by the depth that their header declares


def is_deep(image: Image.Image) -> bool:
    """Whether the file has more than 8 bits a value; Pillow drops the lower bits of colours. Ask before loading."""
    return image.mode.startswith(("I", "F")) or any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def to_eight_bits(image: Image.Image, content: bytes, name: str, notes: list[str]) -> Image.Image:
    """Return `image` with 8 bits a value.

    Integers are scaled from the depth that the file declares, else from the smallest usual one that holds the largest
    value. Floats up to 1 are fractions of white, others are scaled from 0, or their smallest value, to their largest.

    Args:
        image: as Pillow loaded it.
        content: the bytes of its file.
        name: of the file, for messages.
        notes: a sentence on what was assumed is added.

    Raises:
        MonoImageError: no value is finite, or scaling would make almost all pixels equal.
    """
    if image.mode == "F":
        return Image.fromarray(_floats(np.asarray(image), name, notes))
    if image.mode.startswith("I"):
        return Image.fromarray(_integers(np.asarray(image), _declared_depth(image), name, notes))
    reduced = image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")
    deep = _deep_colours(np.asarray(reduced), content)
    if deep is None:
        return reduced
    if deep[..., :3].max() >= 2 ** _DEPTHS[-2]:  # all 16 bits are in use: as Pillow reduces them
        _refuse_uniform(deep[..., :3], np.asarray(reduced)[..., :3], name)
        return reduced
    colours = _integers(deep[..., :3], _declared_depth(image), name, notes)
    return Image.fromarray(np.concatenate([colours, (deep[..., 3:] >> 8).astype(np.uint8)], axis=2))


def _integers(values: Values, declared: int | None, name: str, notes: list[str]) -> Values:
    low, high = min(0, int(values.min())), int(values.max())
    bits = declared or next((bits for bits in _DEPTHS if high < 2**bits), high.bit_length())
    container = 8 * values.dtype.itemsize
    if declared or bits == container:
        notes.append(f"{name} has {bits} bits a value, more than 8: scaled")
    else:
        notes.append(f"{name} has {container} bits a value, and its largest needs {bits}: taken for {bits} bits")
    return _scaled(values, low, high if low < 0 else 2**bits - 1, name)


def _floats(values: Values, name: str, notes: list[str]) -> Values:
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise MonoImageError(f"{name} has no finite value")
    low, high = min(0.0, float(finite.min())), float(finite.max())
    if low == 0 and high <= 1:
        high = 1.0
    elif low == 0 and (finite == np.rint(finite)).all():  # integers, saved as floats
        high = float(2 ** next((bits for bits in _DEPTHS if high < 2**bits), int(high).bit_length()) - 1)
    elif low == 0 and 128 < high <= 255:
        high = 255.0
    note = f"{name} has floats: scaled from {low:g}..{high:g} to 8 bits"
    if missing := 100 * (1 - finite.size / values.size):
        note += f"; {missing:.2g}% of its values are not finite and become black"
    notes.append(note)
    return _scaled(np.where(np.isfinite(values), values, low), low, high, name)


def _scaled(values: Values, low: float, high: float, name: str) -> Values:
    """Return bytes, `low` as 0 and `high` as 255."""
    scaled = np.empty(values.shape, np.uint8)
    for rows in bands(*values.shape[:2]):
        fractions = ((values[rows].astype(np.float64) - low) / (high - low)).clip(0, 1)
        scaled[rows] = (fractions * 255).round()
    _refuse_uniform(values, scaled, name)
    return scaled


def _refuse_uniform(values: Values, scaled: Values, name: str) -> None:
    """Raise MonoImageError where almost all values have become one, which they were not before."""
    share = float(count_values(scaled).max() / scaled.size)
    if share > _UNIFORM > np.unique(values, return_counts=True)[1].max() / values.size:
        raise MonoImageError(
            f"{name} has values in {values.min():g}..{values.max():g}, and 8 bits for that range would make "
            f"{100 * share:.3g}% of them equal: convert it to 8 bits, with the range that matters"
        )


def _deep_colours(reduced: Values, content: bytes) -> Values | None:
    """Return the colours (height, width, 3 or 4) with all bits, which Pillow has no mode for.

    Args:
        reduced: the same colours with the upper 8 bits, as Pillow read them.
        content: the bytes of the file, for OpenCV.
    """
    import cv2  # takes long, and only photos of more than 8 bits need it

    deep = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3 or deep.shape[2] != reduced.shape[2]:
        return None
    for rows in bands(*deep.shape[:2]):
        deep[rows, :, :3] = deep[rows, :, 2::-1].copy()
    # The two may turn a photo differently: the right way is the one with the bytes that Pillow has.
    return next((way for way in _ways(deep) if way.shape == reduced.shape and _has_upper_bits(way, reduced)), None)


def _has_upper_bits(colours: Values, upper: Values) -> bool:
    return all((colours[rows] >> 8 == upper[rows]).all() for rows in bands(*upper.shape[:2]))


def _ways(colours: Values) -> Iterator[Values]:
    """Yield the eight ways to turn and mirror an array."""
    for way in (colours, colours.swapaxes(0, 1)):
        yield from (way, way[::-1], way[:, ::-1], way[::-1, ::-1])


def _declared_depth(image: Image.Image) -> int | None:
    """Return the bits in use that the file itself declares, if it does.

    PNG's sBIT chunk does not count: by the standard the values are scaled to all 16 bits, and not all writers do so.
    """
    if image.format in _SCALED_BY_PILLOW:
        return 16
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = int(np.max(image.tag_v2.get(_BITS_PER_SAMPLE, 8)))
        largest = int(np.max(image.tag_v2.get(_LARGEST_SAMPLE, 0)))
        return bits if bits % 8 else largest.bit_length() or None
    return None
