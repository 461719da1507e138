"""Fixtures shared by all tests."""

from __future__ import annotations

import functools
import itertools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import launcher
import pytest
from environments import Environment, build_wheel

_NUMBERS = itertools.count()
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with CIFAR-10 and the paper's photos; tests that need it are skipped without it."""
    value = os.environ.get("MONOIMAGE_DATA", "")
    if not value or not Path(value, "cifar10").is_dir():
        pytest.skip("MONOIMAGE_DATA does not name a folder with cifar10/ and images/")
    return Path(value)


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no benchmark of a test find the trainings of another, nor be listed among the user's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state{next(_NUMBERS)}"))


@pytest.fixture
def monoimage(tmp_path: Path) -> Run:
    """`monoimage(*arguments)` as a user runs it, in an empty folder; a failure fails the test.

    `status=2` expects that exit status instead.
    """
    return functools.partial(launcher.monoimage, cwd=tmp_path)


@pytest.fixture(scope="session")
def without_vissl(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment without VISSL; `without_vissl.run("-c", CODE, cwd=FOLDER, checkout=True)` runs this checkout."""
    return Environment(tmp_path_factory.mktemp("without_vissl"), without_vissl=True)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that this checkout makes."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
