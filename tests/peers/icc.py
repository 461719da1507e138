"""ICC profiles written by hand, and what their colours are in sRGB: a peer of Pillow's LittleCMS."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# XYZ of red, green and blue as columns, adapted to D50: as profiles have them.
_SRGB = ((0.436075, 0.385065, 0.143080), (0.222504, 0.716879, 0.060617), (0.013932, 0.097104, 0.714173))
_DISPLAY_P3 = ((0.515102, 0.291965, 0.157153), (0.241182, 0.692236, 0.066582), (-0.001050, 0.041882, 0.784378))
_PROPHOTO = ((0.797675, 0.135193, 0.031339), (0.288040, 0.711872, 0.000091), (0.0, 0.0, 0.825211))


@dataclass(frozen=True)
class Space:
    """A colour space: name, colorants (3, 3), and a gamma, or 0 for the curve of sRGB."""

    name: str
    colorants: tuple[tuple[float, ...], ...]
    gamma: float

    def profile(self) -> bytes:
        """Return an ICC profile, version 2."""
        return _profile(self.name, b"RGB ", self._tags())

    def _tags(self) -> dict[bytes, bytes]:
        columns = np.array(self.colorants).T
        tags = {name: _xyz(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
        return tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(self.gamma))

    def to_srgb(self, pixels: NDArray[np.uint8]) -> Array:
        """Return (..., 3) bytes of this space in sRGB, 0..255, colours outside sRGB clipped."""
        values = pixels / 255
        linear = values**self.gamma if self.gamma else _decode_srgb(values)
        in_srgb = linear @ (np.linalg.inv(np.array(_SRGB)) @ np.array(self.colorants)).T
        return 255 * _encode_srgb(in_srgb.clip(0, 1))


SRGB = Space("sRGB by hand", _SRGB, 0)
DISPLAY_P3 = Space("Display P3", _DISPLAY_P3, 0)
PROPHOTO = Space("ProPhoto RGB", _PROPHOTO, 1.8)


def grey_profile(gamma: float) -> bytes:
    """Return an ICC profile for grey images."""
    return _profile(f"Grey {gamma}", b"GRAY", {b"kTRC": _curve(gamma)})


def grey_to_srgb(pixels: NDArray[np.uint8], gamma: float) -> Array:
    """Return grey bytes of that profile in sRGB, 0..255."""
    return 255 * _encode_srgb((pixels / 255) ** gamma)


def _decode_srgb(values: Array) -> Array:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encode_srgb(linear: Array) -> Array:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _profile(name: str, colours: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = name.encode() + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        **tags,
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag, start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = start + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s", size, 0x02100000, b"mntr", colours, b"XYZ ", b"acsp")
    header += bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))
    return header.ljust(128, b"\0") + table + body


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    curve = np.linspace(0, 1, 1024)
    curve = curve**gamma if gamma else _decode_srgb(curve)
    return b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *(curve * 65535).round().astype(int))
