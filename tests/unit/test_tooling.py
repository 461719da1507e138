"""The import contract of ours that `make lint` holds beside import-linter's own; lint itself is not run here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = """
[tool.importlinter]
root_packages = ["shop"]
include_external_packages = true
contract_types = ["without_vissl: tests.import_contract.WithoutVisslContract"]

[[tool.importlinter.contracts]]
name = "goods without VISSL"
type = "without_vissl"
rooms = ["shop.goods"]
forbidden_modules = ["vissl"]
"""
ALLOWED = {
    "__init__": "",
    "counter": "import vissl, shop.goods.bread_vissl",
    "goods/__init__": "",
    "goods/bread": "import shop.till",
    "goods/bread_vissl": "import vissl, shop.goods.bread",
    "till": "",
}


@pytest.mark.parametrize(
    ("changed", "text", "complaint"),
    [
        ("till", "", ""),
        ("goods/bread", "import vissl", "shop.goods.bread -> vissl"),
        ("goods/bread", "def bake():\n    from vissl.config import AttrDict", "shop.goods.bread -> vissl"),
        ("goods/bread", "import shop.goods.bread_vissl", "shop.goods.bread -> shop.goods.bread_vissl"),
        ("till", "import shop.counter", "shop.counter -> vissl"),
        ("goods/__init__", "import vissl", "shop.goods -> vissl"),
    ],
)
def test_only_modules_named_for_vissl_may_reach_it(tmp_path: Path, changed: str, text: str, complaint: str) -> None:
    for name, content in {**ALLOWED, changed: text}.items():
        module = tmp_path / "shop" / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(content)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = ['--no-cache', '--no-logo']\n"
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == bool(complaint), done.stdout + done.stderr
    assert complaint in " ".join(done.stdout.split())
