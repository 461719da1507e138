"""What can one image teach? A single-image data source and benchmark suite for VISSL.

Importing this package is quick. It mends VISSL 0.1.6 for today's libraries (`compat`) and registers
everything we add (`plugin`) at the moment VISSL itself is imported, or at once where it already is.
"""

from __future__ import annotations

import importlib.util

__version__ = "0.1.0"

if importlib.util.find_spec("vissl") is None:
    raise ImportError(
        "vissl_monoimage needs VISSL, whose pinned requirements pip cannot meet: "
        "install it alone with `pip install --no-deps vissl==0.1.6`."
    )

from vissl_monoimage import plugin  # noqa: F401
from vissl_monoimage.compat import console  # noqa: F401
from vissl_monoimage.compat import index as compat

compat.apply()
