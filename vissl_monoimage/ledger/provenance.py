"""What a run was: the hash of its resolved config, its names, and the versions that made it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vissl_monoimage.config.access import monoimage_block

# Keys that say where and how loudly a run ran, not what it computed.
_LEFT_OUT = {
    "CACHE_FEATURES", "CHECKPOINT", "HOOKS", "INIT_METHOD", "LOG_FREQUENCY", "MONITORING",
    "MULTI_PROCESSING_METHOD", "NUM_DATALOADER_WORKERS", "PIN_MEMORY", "PROFILING", "RUN_ID", "SLURM", "VERBOSE",
    "COPY_DESTINATION_DIR", "COPY_TO_LOCAL_DISK", "LEDGER", "OVERRIDES",
}  # fmt: skip
_PATHS = {"DATA_PATHS", "LABEL_PATHS", "PARAMS_FILE"}
_SEEDS = {"SEED_VALUE", "_MODEL_INIT_SEED", "SEED"}  # the last is the crops' own, of MONOIMAGE.SOURCE
_PRECISION = "BF16"  # chosen by what the CPU can do: seeds in bfloat16 and in float32 are of one experiment
# Seeds on a GPU and on a CPU are too. Each key is hashed as the overlay `cpu` sets it.
_USUAL: dict[str, dict[str, Any]] = {
    "MONOIMAGE": {_PRECISION: False},
    "MACHINE": {"DEVICE": "cpu"},
    "DISTRIBUTED": {"BACKEND": "gloo"},
    "DATA": {"ENABLE_ASYNC_GPU_COPY": False},
}


def config_hash(config: Mapping[str, Any], *, seed: bool = True) -> str:
    """sha256 of the resolved config, equal on every machine: paths count by their last part alone.

    With `seed=False` the runs of one experiment share the hash: they differ in nothing but their seeds, in bfloat16
    or float32, and in running on a GPU or a CPU.
    """
    if not seed:
        config = _anywhere(config)
    kept = _kept(config, _LEFT_OUT if seed else _LEFT_OUT | _SEEDS)
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def _anywhere(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as it would be in float32 on a CPU."""
    found = dict(config)
    for name, usual in _USUAL.items():
        if block := found.get(name):
            found[name] = {key: usual.get(key, value) for key, value in block.items()}
    return found


def _kept(value: Any, left_out: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): _last_part(inner) if key in _PATHS else _kept(inner, left_out)
            for key, inner in value.items()
            if key not in left_out
        }
    return [_kept(inner, left_out) for inner in value] if isinstance(value, (list, tuple)) else value


def _last_part(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_last_part(inner) for inner in value]
    return os.path.basename(value.rstrip("/")) if isinstance(value, str) else value


def overrides(config: Mapping[str, Any]) -> list[str]:
    """The overrides that composed `config`: kept by our launcher, else this process's own arguments."""
    kept = monoimage_block(config).get("OVERRIDES")
    return list(kept) if kept is not None else [argument for argument in sys.argv[1:] if "=" in argument]


def command(config: Mapping[str, Any]) -> str:
    """The command that repeats the run."""
    return shlex.join(["monoimage", "run", *overrides(config)])


def config_name(config: Mapping[str, Any]) -> str:
    """The YAML of the run, e.g. `pretrain/monoimage/rotnet_alexnet`; `unnamed` where none was given."""
    named = (item.removeprefix("config=") for item in overrides(config) if item.startswith("config="))
    return next(named, "unnamed")


def method(config: Mapping[str, Any]) -> str:
    """The pretext method: the first word of the YAML's file name, as all of VISSL's and ours are called."""
    return config_name(config).rsplit("/", 1)[-1].split("_")[0]


def file_sha256(path: str | Path | None) -> str | None:
    """sha256 of a file's bytes, or None where there is no such file."""
    if not path or not Path(path).is_file():
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Of everything whose version can change a number."""
    import torch
    import torchvision

    from vissl_monoimage.utils.version import __version__

    vissl = _installed("vissl")
    return {
        "vissl_monoimage": __version__,
        "vissl": vissl,
        "torch": str(torch.__version__),
        "torchvision": str(torchvision.__version__),
        "python": platform.python_version(),
    }


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "source"


@functools.cache
def git_sha() -> str | None:
    """The commit this package runs from, with `-dirty` after local changes; None outside a checkout."""
    here = Path(__file__).resolve().parent  # the editable install is a folder of links into the checkout

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # not a user's repository around a venv
        sha = git("rev-parse", "HEAD")
        return f"{sha}-dirty" if git("status", "--porcelain", "--untracked-files=no") else sha
    except (OSError, subprocess.CalledProcessError):
        return None


def device(config: Mapping[str, Any]) -> str:
    """Processes and the device of each, e.g. `1 x cpu (2 threads), bfloat16`."""
    import torch

    processes = config["DISTRIBUTED"]["NUM_NODES"] * config["DISTRIBUTED"]["NUM_PROC_PER_NODE"]
    gpu = config["MACHINE"]["DEVICE"] == "gpu"
    precision = ", bfloat16" if monoimage_block(config).get(_PRECISION) else ""
    name = torch.cuda.get_device_name() if gpu else f"cpu ({torch.get_num_threads()} threads)"
    return f"{processes} x {name}{precision}"
