"""The folder of an exported trunk: `config.json`, `model.safetensors`, `README.md`, and `model.onnx` if asked for."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import shutil
from pathlib import Path

import torch
from safetensors.torch import save

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export.card import model_card
from vissl_monoimage.export.config import FILE_NAME, WEIGHTS_NAME, is_exported, read_config
from vissl_monoimage.export.module import PretrainedTrunk
from vissl_monoimage.ledger.initial_weights import weights_sha256
from vissl_monoimage.ledger.machine import versions
from vissl_monoimage.utils.atomic_write import atomic_write, remove_parts
from vissl_monoimage.utils.paths import make_folder

CARD_NAME, ONNX_NAME = "README.md", "model.onnx"
_REMEDY = "choose another folder with -o, or delete it"


def check_folder(folder: Path, checkpoint_sha256: str) -> None:
    """Refuse a folder that holds something else than the export of that checkpoint.

    Raises:
        MonoImageError: naming what it holds.
    """
    if folder.exists() and not folder.is_dir():
        raise MonoImageError(f"'{folder}' is a file: {_REMEDY}")
    remove_parts(folder)
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not is_exported(folder):
        raise MonoImageError(f"'{folder}' holds other files, and is no folder of `monoimage export`: {_REMEDY}")
    before = read_config(folder).facts.get("checkpoint", {}).get("sha256")
    if before != checkpoint_sha256:
        raise MonoImageError(f"'{folder}' holds the export of another checkpoint (sha256 {before}): {_REMEDY}")


def write_folder(trunk: PretrainedTrunk, folder: Path, onnx: bytes | None = None, keep_card: bool = False) -> None:
    """Write a trunk into a folder: if one file cannot be written, the folder stays as it was.

    With the hash of the weights in the config, a reader refuses what a kill left between two files.

    Args:
        trunk: the trunk.
        folder: new, empty, or of an earlier export.
        onnx: the content of `model.onnx`; None for none.
        keep_card: whether a README.md that exists stays as it is.

    Raises:
        MonoImageError: a file cannot be written.
    """
    weights = save({name: value.contiguous() for name, value in _state(trunk).items()}, {"format": "pt"})
    was_changed = weights_sha256(_state(trunk)) != trunk.config.facts.get("tensors_sha256")
    shapes = feature_shapes(trunk)
    config = dataclasses.replace(
        trunk.config,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        facts={**trunk.config.facts, "was_changed": was_changed, "shapes": shapes, "exported_with": versions()},
    )
    contents = {WEIGHTS_NAME: weights}
    if not (keep_card and (folder / CARD_NAME).is_file()):
        contents[CARD_NAME] = model_card(config, shapes, was_changed).encode()
    contents |= {ONNX_NAME: onnx} if onnx else {}
    contents[FILE_NAME] = config.text().encode()  # last written, first in place
    is_new = not folder.exists()
    make_folder(folder)
    try:
        with contextlib.ExitStack() as files:  # no file appears before all are on the disk, and the config first
            for name, content in contents.items():
                files.enter_context(atomic_write(folder / name)).write_bytes(content)
    except BaseException:
        if is_new:
            shutil.rmtree(folder)
        raise
    if onnx is None:
        (folder / ONNX_NAME).unlink(missing_ok=True)  # of an earlier export


def feature_shapes(trunk: PretrainedTrunk) -> dict[str, list[int]]:
    """Return the shape of an image's feature, (channels, height, width) or (channels), by layer."""
    size, device = trunk.input_size, next((value.device for value in trunk.state_dict().values()), None)
    with torch.no_grad():
        features = trunk(torch.zeros(1, 3, size, size, device=device))
    return {layer: list(feature.shape[1:]) for layer, feature in features.items()}


def _state(trunk: PretrainedTrunk) -> dict[str, torch.Tensor]:
    return {name: value.cpu() for name, value in trunk.network.state_dict().items()}
