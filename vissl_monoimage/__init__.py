"""What can one image teach? A single-image data source and benchmark suite for VISSL.

Importing this package is quick and does not need VISSL. When VISSL is first imported, or at once where it already
is, `compat` adapts VISSL 0.1.6 to current libraries and `plugin` registers everything we add. Where VISSL is
missing, what needs it raises one sentence that names `monoimage setup`.
"""

from __future__ import annotations

from vissl_monoimage import plugin  # noqa: F401
from vissl_monoimage.compat import console, index, missing_vissl  # noqa: F401
from vissl_monoimage.utils.version import __version__

__all__ = ["__version__"]

index.apply()
missing_vissl.install()
