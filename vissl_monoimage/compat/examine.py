"""What `monoimage doctor` finds out of the installation: versions, and whether each mend finds its place in VISSL."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import NamedTuple

from vissl_monoimage.compat.missing_vissl import vissl_is_installed
from vissl_monoimage.compat.source_edit import VISSL_VERSION

PACKAGE = "vissl-monoimage"


class Examined(NamedTuple):
    """A thing that was examined: whether it is as it should be, its name, and what is to be said of it."""

    is_right: bool
    name: str
    about: str


def examine_versions() -> Iterator[Examined]:
    """Yield VISSL and each requirement of this package: its installed version, and the range that is supported."""
    from packaging.requirements import Requirement

    yield _vissl()

    for requirement in map(Requirement, requires(PACKAGE) or ()):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        supported = str(requirement.specifier)
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield Examined(False, requirement.name, f"not installed (supported: {supported})")
            continue
        is_right = requirement.specifier.contains(installed, prereleases=True)
        yield Examined(is_right, requirement.name, f"{installed} (supported: {supported})")


def _vissl() -> Examined:
    supported = f"(supported: =={VISSL_VERSION}, by `monoimage setup`)"
    try:
        installed = version("vissl")
    except PackageNotFoundError:
        installed = "a folder of sources" if vissl_is_installed() else "not installed"
    return Examined(installed in (VISSL_VERSION, "a folder of sources"), "vissl", f"{installed} {supported}")


def examine_mends() -> Iterator[Examined]:
    """Yield each mend of VISSL, applied to its modules, with the guard that makes it do nothing."""
    from vissl_monoimage.compat import index

    index.apply()
    for mend in index.ALL:
        problem = ""
        for name in index.MENDS.modules_of(mend):
            try:
                importlib.import_module(name)
            except Exception as error:  # whatever a module of VISSL raises is what is to be said
                problem = f"{name}: {type(error).__name__}: {error}"
        guard = re.search(r"Guard: (.*?\.)(\s|$)", inspect.getdoc(mend) or "", re.DOTALL)
        about = f"applied; guard: {' '.join(guard[1].split())}" if guard else "applied"
        yield Examined(not problem, mend.__name__, problem or about)
