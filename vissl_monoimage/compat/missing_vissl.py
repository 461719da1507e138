"""A clear error where VISSL is needed and is not installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from vissl_monoimage.compat.startup import VISSL
from vissl_monoimage.errors import MonoImageError


class VisslMissingError(MonoImageError, ModuleNotFoundError):
    """VISSL is not installed."""


class MissingVissl(MetaPathFinder):
    """A last finder, reached only when no other finder has found VISSL."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise `VisslMissingError` for VISSL's packages; return None for all others."""
        if fullname in VISSL:
            raise VisslMissingError(
                "this needs VISSL 0.1.6, which is not installed in this environment: run `monoimage setup`",
                name=fullname,
            )
        return None


_FINDER = MissingVissl()


def install() -> None:
    """Put the finder at the end of `sys.meta_path`; calling it again changes nothing."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


def require_vissl() -> None:
    """Do nothing where VISSL can be imported; it is not imported here.

    Raises:
        VisslMissingError: VISSL is not installed.
    """
    importlib.util.find_spec("vissl")


def vissl_is_installed() -> bool:
    """Return whether VISSL can be imported; it is not imported here."""
    try:
        require_vissl()
    except VisslMissingError:
        return False
    return True
