"""`monoimage --version`: this package, PyTorch and VISSL, without importing the last two."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from vissl_monoimage import __version__
from vissl_monoimage.compat.missing_vissl import vissl_is_installed


class VersionAction(argparse.Action):
    """Prints one line of versions and ends the command."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        vissl = f"VISSL {_version('vissl')}" if vissl_is_installed() else "VISSL not installed"
        print(f"monoimage {__version__}, torch {_version('torch')}, {vissl}")
        parser.exit()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a folder of sources
        return "of unknown version"
