"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with CIFAR-10 and the paper's photos; tests that need it are skipped without it."""
    value = os.environ.get("MONOIMAGE_DATA", "")
    if not value or not Path(value, "cifar10").is_dir():
        pytest.skip("MONOIMAGE_DATA does not name a folder with cifar10/ and images/")
    return Path(value)


@pytest.fixture
def monoimage(tmp_path: Path) -> Run:
    """`monoimage(*arguments)` as a user runs it, in an empty folder; fails the test where it fails.

    `status=2` expects that exit status instead; `PYTHONPATH` and the like go into `env`.
    """

    def run(
        *arguments: str, status: int = 0, cwd: Path = tmp_path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "vissl_monoimage", *arguments],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == status, f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done

    return run
