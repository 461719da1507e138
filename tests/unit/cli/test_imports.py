"""Commands that only print names import no library that takes long."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import contextlib, io, sys
from vissl_monoimage.cli.main import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main([sys.argv[1]])
print(*(name for name in ("torch", "vissl", "cv2", "numpy") if name in sys.modules))
"""


@pytest.mark.parametrize(("word", "imported"), [("--help", set()), ("ls", {"numpy"})])
def test_a_command_that_prints_names_imports_little(word: str, imported: set[str]) -> None:
    shown = subprocess.run([sys.executable, "-c", SCRIPT, word], check=True, capture_output=True, text=True)
    assert set(shown.stdout.split()) <= imported
