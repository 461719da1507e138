"""Installs VISSL, whose pinned requirements pip cannot meet, into the running environment."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vissl_monoimage.compat.missing_vissl import vissl_is_installed
from vissl_monoimage.errors import MonoImageError

VERSION = "0.1.6"
REQUIREMENT = f"vissl=={VERSION} --hash=sha256:b02e17c2884bbe673c741fa189529885ee5c60c3c20b653fb1af666b68ce2048\n"
_BUNDLED = ("classy-vision", "fairscale")  # VISSL's wheel brings its own copies of these packages


def install_vissl() -> str:
    """Install VISSL unless it is installed; return a sentence that says what was done.

    Raises:
        MonoImageError: another version is installed, or a package whose files VISSL's wheel would overwrite; the
            Python belongs to the operating system; there is neither pip nor uv; pip or uv fails.
    """
    if vissl_is_installed():
        return _check_installed()
    _check_environment()
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(REQUIREMENT)
        command = [*_installer(), "--no-deps", "--only-binary", "vissl", "--require-hashes", "-r", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    importlib.invalidate_caches()
    if done.returncode or not vissl_is_installed():
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        reason = next((line for line in said if line.lower().startswith("error")), "\n".join(said[-1:]))
        raise MonoImageError(f"VISSL could not be installed by `{' '.join(command[:4])}`: {reason}")
    return f"VISSL {VERSION} is installed in {sys.prefix}, without its pinned requirements"


def _check_installed() -> str:
    try:
        installed = version("vissl")
    except PackageNotFoundError:
        spec = importlib.util.find_spec("vissl")
        return f"VISSL is there as a folder of sources: {spec.origin if spec else '?'}"
    if installed != VERSION:
        raise MonoImageError(
            f"VISSL {installed} is installed, and this package extends VISSL {VERSION}: uninstall it "
            "(`pip uninstall vissl`), then run `monoimage setup` again"
        )
    return f"VISSL {VERSION} is installed already"


def _check_environment() -> None:
    """Refuse a Python that the operating system manages (PEP 668), and packages that VISSL's wheel would overwrite."""
    marker = Path(sysconfig.get_path("stdlib", sysconfig.get_default_scheme()), "EXTERNALLY-MANAGED")
    if sys.prefix == sys.base_prefix and marker.exists():
        raise MonoImageError(
            f"{sys.executable} is managed by the operating system ({marker}): make an environment of your own "
            "(`python3 -m venv .venv`), install vissl-monoimage there, and run its `monoimage setup`"
        )
    for name in _BUNDLED:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        raise MonoImageError(
            f"VISSL's wheel brings its own {name}, which would overwrite the one installed: uninstall that "
            f"(`pip uninstall {name}`), or use another environment"
        )


def _installer() -> list[str]:
    """Return the start of the command that installs packages here: pip's or uv's; without either, add pip."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if importlib.util.find_spec("pip") is not None:
        return pip
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    done = subprocess.run([sys.executable, "-m", "ensurepip"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise MonoImageError(f"{sys.executable} has neither pip nor ensurepip, and there is no uv: install one of them")
    return pip
