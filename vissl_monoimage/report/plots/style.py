"""Style of the report's figures: colours, axes, and encoding as SVG, each figure with a text alternative."""

from __future__ import annotations

import base64
import dataclasses
import io

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

# Okabe and Ito's colours, told apart by colour-blind readers as well; random weights are always grey.
GREY, COLOURS = "#777777", ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX*"  # one more than colours: no pair comes twice in 56 lines


@dataclasses.dataclass(frozen=True)
class Figure:
    """An encoded image, its media type, its text for those who do not see it, a caption for all."""

    data: bytes
    media: str
    alt: str
    caption: str

    @property
    def uri(self) -> str:
        """The image itself as an address, so that a page needs no other file."""
        return f"data:{self.media};base64,{base64.b64encode(self.data).decode('ascii')}"


def new_axes(height: float = 3.7) -> tuple[Canvas, Axes]:
    """An empty plot in the report's style, `height` inches high."""
    canvas = Canvas(figsize=(5.6, height), layout="constrained")
    axes = canvas.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    return canvas, axes


def svg(canvas: Canvas) -> bytes:
    """SVG with text as outlines (it needs no font) and no date (equal data give equal bytes)."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "vissl_monoimage"}):
        canvas.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return buffer.getvalue()
