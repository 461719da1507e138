"""The hashes of our YAMLs: by them committed rows are known as done, and seeds as runs of one experiment."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "config_hashes.py"
COMMITTED = json.loads(Path(__file__).with_name("config_hashes.json").read_text())


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("config_hashes", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_hashes_of_all_yamls_are_the_committed_ones(script: ModuleType) -> None:
    assert script.hashes() == COMMITTED
