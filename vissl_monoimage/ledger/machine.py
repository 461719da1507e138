"""Where a run ran and with what code: versions, commit and devices."""

from __future__ import annotations

import functools
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vissl_monoimage import __version__
from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.utils.atomic_write import replace_text

DEVICES_FILE = "devices.txt"
DIRTY = "-dirty"


def versions() -> dict[str, str]:
    """Return the version of everything that can change a number; `source` for what is not installed as a package."""
    import torch
    import torchvision

    return {
        "vissl_monoimage": __version__,
        "vissl": _installed("vissl"),
        "torch": str(torch.__version__),
        "torchvision": str(torchvision.__version__),
        "python": platform.python_version(),
    }


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "source"


@functools.cache
def git_sha() -> str | None:
    """Return the commit this package runs from, with `-dirty` after local changes; None outside a checkout."""
    here = Path(__file__).resolve().parent  # the editable install is a folder of links into the checkout

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # not a user's repository around a venv
        sha = git("rev-parse", "HEAD")
        return f"{sha}{DIRTY}" if git("status", "--porcelain", "--untracked-files=no") else sha
    except (OSError, subprocess.CalledProcessError):
        return None


def device(config: Mapping[str, Any]) -> str:
    """Return the number of processes and the device of each, e.g. `1 x cpu (2 threads), bfloat16`."""
    import torch

    processes = config["DISTRIBUTED"]["NUM_NODES"] * config["DISTRIBUTED"]["NUM_PROC_PER_NODE"]
    gpu = config["MACHINE"]["DEVICE"] == "gpu"
    precision = ", bfloat16" if monoimage_block(config).get("BF16") else ""
    name = torch.cuda.get_device_name() if gpu else f"cpu ({torch.get_num_threads()} threads)"
    return f"{processes} x {name}{precision}"


def note_device(folder: str | Path, iteration: int, device: str) -> str:
    """Record in a run's folder the device it runs on from `iteration` on, for a run may resume on another machine.

    Args:
        folder: the run's checkpoint folder; `devices.txt` in it has a device a line.
        iteration: 0 for a run that starts afresh, which forgets the devices of earlier ones.
        device: as `device` returns it.

    Returns:
        All devices so far, in order: `a, then b`.
    """
    path = Path(folder, DEVICES_FILE)
    earlier = path.read_text(errors="replace").splitlines() if iteration and path.is_file() else []
    devices = earlier if earlier[-1:] == [device] else [*earlier, device]
    replace_text(path, "".join(f"{name}\n" for name in devices))
    return ", then ".join(devices)
