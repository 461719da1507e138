"""Light virtual environments over the packages of this one, for tests of what a user installs."""

from __future__ import annotations

import importlib.metadata
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

OURS = "vissl_monoimage"


def light_environment(home: Path, without_vissl: bool = False) -> Path:
    """Make an environment at `home` whose packages are links to those of this one; return its Python.

    Our package is left out, and so are the `.pth` files, which would lead to the checkout. With `without_vissl` all
    that VISSL's wheel installs is left out too.
    """
    venv.create(home, with_pip=False, symlinks=True)
    site = site_packages(home)
    hidden = set(_top_level("vissl")) if without_vissl else set()
    for folder in (Path(entry) for entry in sys.path if Path(entry).name == "site-packages"):
        for package in folder.iterdir():
            if package.name in hidden or OURS in package.name or package.suffix == ".pth":
                continue
            if not (site / package.name).exists():
                (site / package.name).symlink_to(package)
    return home / "bin" / "python"


def site_packages(home: Path) -> Path:
    """Return the folder that the packages of the environment at `home` are in."""
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home), "platbase": str(home)}))


def _top_level(distribution: str) -> Iterator[str]:
    """Yield what an installed distribution has put into site-packages, its metadata included."""
    for file in importlib.metadata.files(distribution) or []:
        if file.parts[0] != "..":
            yield file.parts[0]
