"""What a run computed: the hash of its resolved config, and its names."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.models.zoo import PREFIX

# Keys that say where and how verbosely a run ran, not what it computed.
_IGNORED = {
    "CACHE_FEATURES", "CHECKPOINT", "HOOKS", "INIT_METHOD", "LOG_FREQUENCY", "MONITORING",
    "MULTI_PROCESSING_METHOD", "NUM_DATALOADER_WORKERS", "PIN_MEMORY", "PROFILING", "RUN_ID", "SLURM", "VERBOSE",
    "COPY_DESTINATION_DIR", "COPY_TO_LOCAL_DISK", "LEDGER", "OVERRIDES", "DRAWN_FROM", "TRANSFER_DATA",
}  # fmt: skip
_PATHS = {"DATA_PATHS", "LABEL_PATHS", "PARAMS_FILE"}
_SEEDS = {"SEED_VALUE", "_MODEL_INIT_SEED", "SEED"}  # the last is the crops' own, of MONOIMAGE.SOURCE
# Runs of one experiment may differ in precision and device. These keys are hashed as the overlay `cpu` sets them.
_ON_CPU: dict[str, dict[str, Any]] = {
    "MONOIMAGE": {"BF16": False},
    "MACHINE": {"DEVICE": "cpu"},
    "DISTRIBUTED": {"BACKEND": "gloo"},
    "DATA": {"ENABLE_ASYNC_GPU_COPY": False},
}


def config_hash(config: Mapping[str, Any], *, seed: bool = True) -> str:
    """Return the sha256 of the resolved config, in hexadecimal digits; only the last part of a path counts.

    Equal on every machine, wherever data and checkpoints lie. What is in them is hashed apart from it, in the
    row's `data`, `images` and `weights`.

    Args:
        config: what lies below VISSL's `config`, as plain containers or an AttrDict.
        seed: with False, runs that differ only in their seeds, in bfloat16 or float32, and in GPU or CPU share the
            hash (the row's `group_hash`).
    """
    if not seed:
        config = _in_float32_on_cpu(config)
    kept = _kept(config, _IGNORED if seed else _IGNORED | _SEEDS)
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def deciding_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that decide what a run computes, without paths and as if it ran in float32 on a CPU.

    Args:
        config: what lies below VISSL's `config`, as plain containers or an AttrDict.
    """
    kept: dict[str, Any] = _kept(_in_float32_on_cpu(config), _IGNORED | _PATHS)
    return kept


def _in_float32_on_cpu(config: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(config)
    for name, on_cpu in _ON_CPU.items():
        if block := changed.get(name):
            changed[name] = {key: on_cpu.get(key, value) for key, value in block.items()}
    return changed


def _kept(value: Any, ignored: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): _last_part(inner) if key in _PATHS else _kept(inner, ignored)
            for key, inner in value.items()
            if key not in ignored
        }
    return [_kept(inner, ignored) for inner in value] if isinstance(value, (list, tuple)) else value


def _last_part(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_last_part(inner) for inner in value]
    return os.path.basename(value.rstrip("/")) if isinstance(value, str) else value


def overrides(config: Mapping[str, Any]) -> list[str]:
    """Return the overrides that composed `config`: kept by our launcher, else this process's own arguments."""
    kept = monoimage_block(config).get("OVERRIDES")
    return list(kept) if kept is not None else [argument for argument in sys.argv[1:] if "=" in argument]


def last_override(overrides: Sequence[str], key: str) -> str | None:
    """Return the value that the last override of `key` gives it, as Hydra does; None where there is none."""
    values = (value for name, _, value in (item.partition("=") for item in reversed(overrides)) if name == key)
    return next(values, None)


def zoo_name(overrides: Sequence[str]) -> str | None:
    """Return the model of VISSL's zoo whose weights `overrides` name, None where they name another file or none."""
    weights = last_override(overrides, "config.MODEL.WEIGHTS_INIT.PARAMS_FILE") or ""
    return weights.removeprefix(PREFIX) if weights.startswith(PREFIX) else None


def command(config: Mapping[str, Any]) -> str:
    """Return the command that repeats the run."""
    return shlex.join(["monoimage", "run", *overrides(config)])


def config_name(config: Mapping[str, Any]) -> str:
    """Return the YAML of the run, e.g. `pretrain/monoimage/rotnet_alexnet`; `unnamed` where none was given."""
    names = (item.removeprefix("config=") for item in overrides(config) if item.startswith("config="))
    return next(names, "unnamed")


def pretext_method(config: Mapping[str, Any]) -> str:
    """Return the pretext method: the first word of the YAML's file name, in VISSL's configs as in ours."""
    return config_name(config).rsplit("/", 1)[-1].split("_")[0]
