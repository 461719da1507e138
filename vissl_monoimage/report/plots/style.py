"""Style of the report's figures: colours, axes, and encoding as SVG, each figure with a text alternative."""

from __future__ import annotations

import base64
import dataclasses
import io
import math
from collections.abc import Iterable

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

# Okabe and Ito's colours, which colour-blind readers can distinguish; random weights are always grey.
GREY, COLOURS = "#777777", ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_FARTHEST = 1e300
MARKERS = "osD^vPX*"  # one more than there are colours, so that no pair repeats within 56 lines


@dataclasses.dataclass(frozen=True)
class Figure:
    """An image for the page.

    Attributes:
        data: the encoded image.
        media: its media type, `image/png`.
        alt: a text alternative for readers who cannot see it.
        caption: a caption for all readers.
    """

    data: bytes
    media: str
    alt: str
    caption: str

    @property
    def uri(self) -> str:
        """The image as a data URI, so that a page needs no other file."""
        return f"data:{self.media};base64,{base64.b64encode(self.data).decode('ascii')}"


def new_axes(height: float = 3.7) -> tuple[Canvas, Axes]:
    """Return an empty plot in the report's style, `height` inches high."""
    canvas = Canvas(figsize=(5.6, height), layout="constrained")
    axes = canvas.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    return canvas, axes


def drawable(values: Iterable[float | None]) -> list[float]:
    """Return the values with NaN, which leaves a gap, for None and for numbers whose range no axis can span."""
    return [math.nan if value is None or abs(value) > _FARTHEST else float(value) for value in values]


def svg(canvas: Canvas) -> bytes:
    """Return a plot as SVG, with text as outlines (it needs no font) and no date (equal data give equal bytes)."""
    buffer = io.BytesIO()
    for text in canvas.findobj(Text):
        text.set_parse_math(False)  # a name may have dollar signs
    with matplotlib.rc_context({"svg.hashsalt": "vissl_monoimage", "text.parse_math": False}):
        canvas.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return buffer.getvalue()
