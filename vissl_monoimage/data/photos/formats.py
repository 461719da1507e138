"""The image formats that are opened, by what a file holds and by its suffix."""

from __future__ import annotations

import functools

from PIL import Image, features

# Formats that Pillow names but starts another program for (EPS: Ghostscript), or cannot decode; and icons.
_NOT_PHOTOS = {"BUFR", "CUR", "EPS", "GRIB", "HDF5", "ICNS", "ICO", "MPEG", "WMF"}
_MOST_COMMON = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # tried first
_OPTIONAL = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}  # as Pillow was compiled


@functools.cache
def photo_formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that a photo may have, whatever its file is called."""
    Image.init()
    others = (kind for kind in Image.ID if kind not in _MOST_COMMON and kind not in _NOT_PHOTOS)
    return (*(kind for kind in _MOST_COMMON if kind in Image.OPEN), *others)


@functools.cache
def photo_suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case, of the photos that Pillow opens here."""
    by_suffix = Image.registered_extensions()
    opened = {*photo_formats(), "MPO"}  # which Pillow opens as JPEG
    missing = {kind for kind, feature in _OPTIONAL.items() if not features.check(feature)}
    return frozenset(suffix for suffix, kind in by_suffix.items() if kind in opened - missing)
