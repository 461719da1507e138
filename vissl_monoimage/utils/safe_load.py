"""Loading checkpoints without ever running code from them."""

from __future__ import annotations

import pickle
import re
from typing import Any, BinaryIO

from vissl_monoimage.errors import MonoImageError


def vissl_types() -> list[Any]:
    """Return the constructors of the plain values that VISSL's own files hold beside tensors.

    NumPy scalars, dtypes and arrays, under the module names of NumPy 1, with which VISSL's model zoo was written, and
    of NumPy 2; and configs. None of these constructors runs code from the file. The unpickler fills no subclass
    of dict, so an `AttrDict` comes back as a plain dict.
    """
    import numpy

    rebuild: list[Any] = [
        value.__reduce__()[0] for value in (numpy.float64(0), numpy.zeros(1))
    ]  # `scalar` and `_reconstruct`
    return [
        (dict, "vissl.config.attr_dict.AttrDict"),
        numpy.ndarray,
        numpy.dtype,
        *{type(numpy.dtype(code)) for code in numpy.typecodes["All"]},
        *(
            (function, f"numpy.{core}.multiarray.{function.__name__}")
            for function in rebuild
            for core in ("core", "_core")
        ),
    ]


def load(file: BinaryIO, map_location: Any = None) -> Any:
    """Return what `torch.load` makes of tensors and plain values alone, those of VISSL among them.

    Raises:
        MonoImageError: the file holds something else, or is no checkpoint.
    """
    import torch

    name = getattr(file, "name", "checkpoint")
    try:
        with torch.serialization.safe_globals(vissl_types()):
            return torch.load(file, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged file may raise anything
        refused = re.search(r"GLOBAL (\S+)", str(error)) if isinstance(error, pickle.UnpicklingError) else None
        if refused:
            problem = f"it holds {refused[1]}, which could run code: save its tensors and plain values alone"
        else:
            detail = f"{type(error).__name__}: {error}".splitlines()[0]
            problem = f"it is damaged, or no checkpoint of tensors and plain values ({detail})"
        raise MonoImageError(f"{name}: not loaded, because {problem}") from error
