"""Reading our own block of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def monoimage_block(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `config.MONOIMAGE`, empty where it is absent or null; `config` is what lies below VISSL's `config`."""
    return config.get("MONOIMAGE") or {}
