"""What can one image teach? A single-image data source and benchmark suite for VISSL.

Importing this package takes under a millisecond and does not need VISSL. When VISSL is imported, or at once where it
already is, `compat` adapts VISSL 0.1.6 to current libraries and `plugin` registers everything we add. Where VISSL is
not installed, what needs it raises one sentence that names `monoimage setup`.
"""

from vissl_monoimage.compat import startup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vissl_monoimage.data.single_image_dataset import SingleImageDataset
    from vissl_monoimage.export.load import load_trunk
    from vissl_monoimage.export.module import PretrainedTrunk

__all__ = ["PretrainedTrunk", "SingleImageDataset", "__version__", "load_trunk"]

__version__ = "0.1.0"

# Imported when they are first used, for they import torch.
_MODULES = {
    "PretrainedTrunk": "export.module",
    "SingleImageDataset": "data.single_image_dataset",
    "load_trunk": "export.load",
}

startup.install()


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
