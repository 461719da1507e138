"""Hashes of data sets by their content, equal wherever the files lie and however they are stored.

`docs/fingerprints.md` defines each of them exactly: a definition that changes makes all fingerprints so far
incomparable.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.data.photos.formats import photo_formats

SAMPLED_ABOVE = 10_000_000_000
"""Bytes: of a data set larger than this, the ends of each file are hashed instead of all of it."""
END = 64 * 1024
"""Bytes at the start and at the end of a file that stand for it in a large data set."""
LARGEST_SIDE = 128
"""Pixels: a data set of PNG files no larger than this is hashed by its pixels."""

DECODING = "+2"
"""Added to the hash of a photo that is not plain 8-bit sRGB: version 1 of the decoding made other pixels of it."""
_NOT_PLAIN = {"transparency", "icc_profile", "exif", "Raw profile type exif", "XML:com.adobe.xmp"}
"""What Pillow knows of an image whose pixels are not shown as they are stored."""

Labelled = tuple[str, int]
"""Path of an image relative to its data set, with `/` between the parts, and its class; -1 stands for none."""


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """The hash of a data set; `sampled` says that only the ends of its files were read."""

    sha256: str
    sampled: bool = False


def files_fingerprint(root: Path, files: Sequence[Labelled]) -> Fingerprint:
    """Return the fingerprint of image files below `root`: pixels and labels of small PNGs, else paths and bytes.

    Raises:
        OSError: a file cannot be read.
    """
    if all(relative.lower().endswith(".png") for relative, _ in files):
        digests = _pixel_digests(root, files)
        if digests:
            return Fingerprint(_joined(digests))
    sampled = sum((root / relative).stat().st_size for relative, _ in files) > SAMPLED_ABOVE
    digest, joined = _ends_sha256 if sampled else file_sha256, hashlib.sha256()
    for relative in sorted(relative for relative, _ in files):
        joined.update(f"{relative}\0{digest(root / relative)}\n".encode("utf-8", "surrogateescape"))
    return Fingerprint(joined.hexdigest(), sampled)


def pixels_fingerprint(images: Iterable[tuple[int, NDArray[np.uint8]]]) -> Fingerprint:
    """Return the fingerprint of (label, pixels) pairs in any order; pixels are RGB of shape (height, width, 3)."""
    return Fingerprint(_joined(pixel_digest(label, pixels) for label, pixels in images))


def pixel_digest(label: int, pixels: NDArray[np.uint8]) -> bytes:
    """Return the sha256 of one image: label, height and width as little-endian int64, then its RGB bytes row by row."""
    height, width, _ = pixels.shape
    return hashlib.sha256(struct.pack("<qqq", label, height, width) + pixels.tobytes()).digest()


def crops_sha256(images: Sequence[Mapping[str, Any]], recipe: Mapping[str, Any], split: str = "train") -> str:
    """Return the fingerprint of crops of photos: of all that they depend on, apart from the seed.

    Args:
        images: a row's `images`: sha256 of each photo's file, and notes if decoding changed it, in the order in which
            they take turns.
        recipe: a row's `recipe`: the parts of a `Recipe`, `num_samples`, `fresh` and `seed`.
        split: "train" or "test", whose crops differ.
    """
    named = dataclasses.asdict(RECIPES[recipe["name"]]) if recipe["name"] in RECIPES else {}
    usual = {key: list(value) if isinstance(value, tuple) else value for key, value in named.items()}
    # Only what differs from the named recipe: a part that a later version adds to it then changes no fingerprint.
    always = ("name", "num_samples", "fresh")
    drawn = {key: value for key, value in recipe.items() if key in always or value != usual.get(key)}
    drawn.pop("seed", None)
    photos = [image["sha256"] + (DECODING if image.get("notes") else "") for image in images]
    return json_sha256({"crops": drawn, "photos": photos, "split": split})


def json_sha256(values: Any) -> str:
    """Return the sha256 of `values` as JSON with sorted keys and no spaces."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _joined(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _pixel_digests(root: Path, files: Sequence[Labelled]) -> list[bytes]:
    """Return the digest of each image; nothing if one of them is large, or is more than 8 bits of grey or RGB."""
    digests = []
    for relative, label in files:
        with Image.open(root / relative, formats=photo_formats()) as image:
            if max(image.size) > LARGEST_SIDE or image.mode not in ("1", "L", "P", "RGB"):
                return []
            pixels = np.asarray(image.convert("RGB"))
            if getattr(image, "n_frames", 1) > 1 or not _NOT_PLAIN.isdisjoint(image.info):
                return []
        digests.append(pixel_digest(label, pixels))
    return digests


def _ends_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        start = file.read(END)
        file.seek(max(0, size - END))
        return hashlib.sha256(struct.pack("<q", size) + start + file.read(END)).hexdigest()
