"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with CIFAR-10 and the paper's photos; tests that need it are skipped without it."""
    value = os.environ.get("MONOIMAGE_DATA", "")
    if not value or not Path(value, "cifar10").is_dir():
        pytest.skip("MONOIMAGE_DATA does not name a folder with cifar10/ and images/")
    return Path(value)
