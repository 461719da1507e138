"""Reading a trunk's weights from a checkpoint: all of them, or a sentence that names what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from vissl.config import AttrDict
from vissl.models import is_feature_extractor_model
from vissl.utils.checkpoint import append_module_prefix, replace_module_prefix

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.utils import safe_load

_VISSL_PATH = ("classy_state_dict", "base_model", "model", "trunk")
_STATE_DICT_NAMES = ("state_dict", "model_state_dict", "model", "network")  # the last: RotNet's authors'
_PREFIXES = ("module.", "trunk.", "base_model.")
_NAMED = 6  # keys spelled out in a message; the rest are counted


def check_trunk(checkpoint_path: str, config: Mapping[str, Any]) -> list[str]:
    """What stops `checkpoint_path` from filling the whole trunk of `config`, a sentence each; [] if nothing.

    Runs before anything is built: the trunk exists only on the meta device. For VISSL's own models it
    follows `MODEL.WEIGHTS_INIT`'s key name and prefixes, as VISSL will. A model that is not probed frozen
    (fine-tuning) may be filled in part and is not checked here.

    Args:
        checkpoint_path: `config.MODEL.WEIGHTS_INIT.PARAMS_FILE`; "" means random weights. config: what
        lies below VISSL's `config`, as plain mappings or as an AttrDict.
    """
    model = AttrDict(dict(config["MODEL"]))
    ours = model.BASE_MODEL_NAME == "probe_model"
    if not checkpoint_path or not (ours or is_feature_extractor_model(model)):
        return []
    try:
        trunk = build_on_meta(model)
        if hasattr(trunk, "fixed"):
            return [f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE: trunk '{model.TRUNK.NAME}' learns nothing; leave it out"]
        checkpoint = read_checkpoint(checkpoint_path)
        if ours:
            weights = trunk_weights(checkpoint, checkpoint_path)
        else:
            weights = _trunk_weights_as_vissl(checkpoint, checkpoint_path, model.WEIGHTS_INIT)
        return compare(weights, trunk.state_dict(), model.TRUNK.NAME, checkpoint_path)
    except MonoImageError as error:
        return [str(error)]


@register_check
def check_weights(config: Settings) -> list[str]:
    """Refuse a checkpoint that does not fill the trunk of a probe or of a feature extractor."""
    return check_trunk(config["MODEL"]["WEIGHTS_INIT"]["PARAMS_FILE"], config)


def fill(trunk: nn.Module, name: str, checkpoint: Mapping[str, Any], source: str) -> None:
    """Fill all of `trunk`, called `name`, from what `read_checkpoint(source)` gave.

    Raises:
        MonoImageError: naming the tensors that are missing or of another shape.
    """
    weights = trunk_weights(checkpoint, source)
    problems = compare(weights, trunk.state_dict(), name, source)
    if problems:
        raise MonoImageError("; ".join(problems))
    trunk.load_state_dict(weights, strict=False)


def read_checkpoint(path: str) -> dict[str, Any]:
    """The mapping in a file of torch.save or safetensors; nothing in it is executed (weights_only).

    Raises:
        MonoImageError: the file is missing, or is not a checkpoint.
    """
    if not Path(path).is_file():
        raise MonoImageError(f"no checkpoint at '{path}' (config.MODEL.WEIGHTS_INIT.PARAMS_FILE)")
    read = _read_safetensors if path.endswith(".safetensors") else _read_pickled
    checkpoint = read(path)
    if not isinstance(checkpoint, Mapping):
        raise MonoImageError(f"{path} holds a {type(checkpoint).__name__}, not a checkpoint's mapping of names")
    return dict(checkpoint)


def _read_pickled(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            return safe_load.load(file, "cpu")
    except MonoImageError:
        raise
    except Exception as error:  # what torch raises on bytes that are no pickle depends on the bytes
        reason = f"it is damaged, or no checkpoint ({type(error).__name__})"
        raise MonoImageError(f"{path}: not loaded, because {reason}") from error


def _read_safetensors(path: str) -> Any:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise MonoImageError(f"{path} needs the safetensors package: pip install safetensors") from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise MonoImageError(f"{path}: not loaded, because it is no file of safetensors ({error})") from error


def trunk_weights(checkpoint: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    """The trunk's tensors by their names in the trunk, from VISSL's checkpoint or a plain state dict.

    Raises:
        MonoImageError: there are no tensors where one of the known formats has them.
    """
    found: Any = checkpoint
    if _VISSL_PATH[0] in checkpoint:
        for key in _VISSL_PATH:
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
    else:
        found = next((checkpoint[name] for name in _STATE_DICT_NAMES if name in checkpoint), checkpoint)
    tensors = {
        _without_prefixes(key): value
        for key, value in (found.items() if isinstance(found, Mapping) else ())
        if isinstance(value, Tensor) and not key.startswith("heads.")
    }
    if not tensors:
        raise MonoImageError(
            f"{source} holds no trunk: looked for {'.'.join(_VISSL_PATH)}, {', '.join(_STATE_DICT_NAMES)} "
            f"and a plain state dict, found {_some(map(str, checkpoint))}"
        )
    return tensors


def compare(weights: Mapping[str, Tensor], trunk: Mapping[str, Tensor], name: str, source: str) -> list[str]:
    """Why `weights` does not fill the trunk `name` whose state is `trunk`; [] when all fits.

    Counters of batches (`num_batches_tracked`) may be missing: old checkpoints lack them and a frozen trunk
    never reads them. Surplus tensors count only beside the trunk's own (`_feature_blocks...`): they mean a
    larger trunk.
    """
    needed = {key for key in trunk if not key.endswith("num_batches_tracked")}
    if not needed & set(weights):
        return [
            f"{source} is a checkpoint of another architecture than trunk '{name}': it holds "
            f"{_some(weights)}, and the trunk needs {_some(needed)}"
        ]
    roots = {key.split(".")[0] for key in needed}
    missing = needed - set(weights)
    surplus = {key for key in weights if key.split(".")[0] in roots and key not in trunk}
    misfits = [
        f"{key} {list(weights[key].shape)} instead of {list(trunk[key].shape)}"
        for key in trunk
        if key in weights and weights[key].shape != trunk[key].shape
    ]
    problems = []
    if missing:
        problems.append(
            f"{source} lacks {len(missing)} of the {len(needed)} tensors of trunk '{name}': {_some(missing)}"
        )
    if surplus:
        problems.append(f"{source} has {len(surplus)} tensors that trunk '{name}' lacks: {_some(surplus)}")
    if misfits:
        problems.append(f"{source} is of another architecture than trunk '{name}': {_some(misfits)}")
    return problems


def _trunk_weights_as_vissl(checkpoint: Mapping[str, Any], source: str, init: AttrDict) -> dict[str, Tensor]:
    """What VISSL's init_model_from_consolidated_weights would give the trunk of a feature extractor."""
    key = init.STATE_DICT_KEY_NAME
    if key and key not in checkpoint:
        remedy = (
            f"set it to {_VISSL_PATH[0]}" if _VISSL_PATH[0] in checkpoint else f"it has {_some(map(str, checkpoint))}"
        )
        raise MonoImageError(f"{source} has no '{key}' (config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME): {remedy}")
    if key == _VISSL_PATH[0]:
        return trunk_weights(checkpoint, source)
    state = dict(checkpoint[key] if key else checkpoint)
    if init.get("REMOVE_PREFIX"):
        state = replace_module_prefix(state, init.REMOVE_PREFIX)
    if init.get("APPEND_PREFIX"):
        state = append_module_prefix(state, init.APPEND_PREFIX)
    start = "trunk.base_model."
    return {name.removeprefix(start): torch.as_tensor(value) for name, value in state.items() if name.startswith(start)}


def _without_prefixes(key: str) -> str:
    while found := next((prefix for prefix in _PREFIXES if key.startswith(prefix)), None):
        key = key.removeprefix(found)
    return key


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest
