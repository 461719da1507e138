"""`monoimage --version`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

CODE = """
import sys
from vissl_monoimage.cli.main import main
try:
    main(["--version"])
except SystemExit as end:
    print(end.code, *({"torch", "vissl"} & set(sys.modules)))
"""


def test_it_names_all_three_versions_and_imports_neither_torch_nor_vissl() -> None:
    printed = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    ours, torch, vissl = (version(name) for name in ("vissl-monoimage", "torch", "vissl"))
    assert printed.splitlines() == [f"monoimage {ours}, torch {torch}, VISSL {vissl}", "0"]
