"""What can one image teach? A single-image data source and benchmark suite for VISSL.

Importing this package takes under a millisecond and does not need VISSL. When VISSL is imported, or at once where it
already is, `compat` adapts VISSL 0.1.6 to current libraries and `plugin` registers everything we add. Where VISSL is
not installed, what needs it raises one sentence that names `monoimage setup`.
"""

from vissl_monoimage.compat import startup

__all__ = ["__version__"]

__version__ = "0.1.0"

startup.install()
