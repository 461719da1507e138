"""Light virtual environments over the packages of this one, for tests of what a user installs."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

OURS, SHARED = "vissl_monoimage", "hydra_plugins"
ROOT = Path(__file__).parents[1]


class Environment:
    """A virtual environment at `home` whose packages are links to those of this one.

    Our package is left out, and so are the `.pth` files, which would lead to the checkout. With `without_vissl` all
    that VISSL's wheel installs is left out too.
    """

    def __init__(self, home: Path, without_vissl: bool = False) -> None:
        venv.create(home, with_pip=False, symlinks=True)
        self.python = home / "bin" / "python"
        self.site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home), "platbase": str(home)}))
        hidden = set(_top_level("vissl")) if without_vissl else set()
        for folder in (Path(entry) for entry in sys.path if Path(entry).name == "site-packages"):
            _link_packages(folder, self.site, hidden)

    def install(self, wheel: Path) -> None:
        """Install our wheel, its command included."""
        self.run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel), cwd=self.site)

    def run(
        self, *arguments: str, cwd: Path, status: int = 0, checkout: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `python ARGUMENTS` in the folder `cwd`; fail where its exit status is another.

        With `checkout` our package is that of the checkout, else the one installed, if any.
        """
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        paths = {"PYTHONPATH": str(ROOT)} if checkout else {}
        done = subprocess.run(
            [self.python, *arguments],
            cwd=cwd,
            env={**inherited, "OMP_NUM_THREADS": "1", **paths, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == status, f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done


def build_wheel(folder: Path) -> Path:
    """Build our wheel from the files that git has or would have, in `folder`, and return its path."""
    # A build folder of its own: setuptools would leave its own, with stale files, in the checkout.
    source = folder / "source"
    copy_sources(source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*command, str(source)], check=True)
    return next(folder.glob("*.whl"))


def copy_sources(to: Path) -> None:
    """Copy the files that git has or would have into the folder `to`."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes((ROOT / name).read_bytes())


def _link_packages(folder: Path, site: Path, hidden: set[str]) -> None:
    for package in folder.iterdir():
        if package.name in hidden or OURS in package.name or package.suffix == ".pth":
            continue
        if package.name == SHARED:  # several distributions put packages into it, ours among them
            (site / SHARED).mkdir(exist_ok=True)
            _link_packages(package, site / SHARED, hidden)
        elif not (site / package.name).exists():
            (site / package.name).symlink_to(package)


def _top_level(distribution: str) -> Iterator[str]:
    """Yield what an installed distribution has put into site-packages, its metadata included."""
    for file in importlib.metadata.files(distribution) or []:
        if file.parts[0] != "..":
            yield file.parts[0]
