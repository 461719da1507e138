"""Fixtures shared by all tests."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import environments
import launcher
import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parents[1]


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

    `status=2` expects that exit status instead.
    """
    return functools.partial(launcher.monoimage, cwd=tmp_path)


@pytest.fixture(scope="session")
def python_without_vissl(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`python_without_vissl(*arguments, cwd=folder, status=0)`: Python on this checkout, without VISSL installed."""
    python = environments.light_environment(tmp_path_factory.mktemp("without_vissl"), without_vissl=True)

    def run(*arguments: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run([python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == status, f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done

    return run
