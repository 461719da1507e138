"""Checkpoint files, read once in a process for the check of a run, the loading of its weights and their hash."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import nn

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils import safe_load
from vissl_monoimage.utils.atomic_write import atomic_write

_Version = tuple[str, int, int]
"""Path, size and time of modification: a file as it was at one time."""

_contents: dict[_Version, dict[str, Any]] = {}  # of the last file that was read, until it is released
_hashes: dict[_Version, str] = {}


def read_checkpoint(path: str) -> dict[str, Any]:
    """Return the mapping in a file of torch.save or safetensors; nothing in the file is executed.

    It is kept in memory until `release_checkpoint`, or until another file is read. Callers must not change it.

    Raises:
        MonoImageError: the file is missing, or is not a checkpoint.
    """
    if not os.path.isfile(path):  # not Path.is_file, which raises on a name that is too long
        raise MonoImageError(f"no checkpoint at '{path}' (config.MODEL.WEIGHTS_INIT.PARAMS_FILE)")
    version = _version(path, os.stat(path))
    if version not in _contents:
        release_checkpoint()
        with open(path, "rb") as file:
            version = _version(path, os.fstat(file.fileno()))
            _hashes[version] = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            content = _load(file, path)
        if not isinstance(content, Mapping):
            raise MonoImageError(f"{path} holds a {type(content).__name__}, not a checkpoint's mapping of names")
        _contents[version] = dict(content)
    return _contents[version]


def checkpoint_sha256(path: str | Path | None) -> str | None:
    """Return the sha256 of a checkpoint's bytes, or None where there is no such file.

    A file that `read_checkpoint` has read is not read again while its size and time of modification stay.
    """
    if not path or not os.path.isfile(path):
        return None
    version = _version(str(path), os.stat(path))
    if version not in _hashes:
        with open(path, "rb") as file:
            _hashes[version] = hashlib.file_digest(file, "sha256").hexdigest()
    return _hashes[version]


def release_checkpoint() -> None:
    """Free the memory of the last checkpoint that was read; its hash stays known."""
    _contents.clear()


def _version(path: str, status: os.stat_result) -> _Version:
    return os.path.realpath(path), status.st_size, status.st_mtime_ns


def save_trunk(trunk: nn.Module, path: Path) -> None:
    """Write a trunk's weights in VISSL's format, atomically; equal weights give equal bytes."""
    state = trunk.state_dict()
    state.update({name: value.cpu() for name, value in state.items()})
    model = {"trunk": state, "heads": {}}
    buffer = io.BytesIO()  # torch would write the name of a file into it
    torch.save({"classy_state_dict": {"base_model": {"model": model}}}, buffer)
    with atomic_write(path) as part:
        part.write_bytes(buffer.getvalue())


def _load(file: BinaryIO, path: str) -> Any:
    if not path.endswith(".safetensors"):
        return safe_load.load(file, "cpu")
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ImportError as error:
        raise MonoImageError(f"{path} needs the safetensors package: pip install safetensors") from error
    try:
        return load(file.read())
    except SafetensorError as error:
        raise MonoImageError(f"{path}: not loaded, because it is no file of safetensors ({error})") from error
