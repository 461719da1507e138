"""Loads the watch for VISSL in every Python that `monoimage exec` starts, which put this folder on PYTHONPATH."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import vissl_monoimage  # noqa: F401

# The environment's own sitecustomize, which this one hides.
_others = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]
_spec = PathFinder.find_spec("sitecustomize", _others)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(module_from_spec(_spec))
