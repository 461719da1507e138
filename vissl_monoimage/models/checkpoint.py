"""A trunk's weights in a checkpoint: all of them, or a sentence that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint_file import read_checkpoint, release_checkpoint
from vissl_monoimage.models.download import fetch, is_remote
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.models.trunks.registry import build_trunk, fixed_features

_VISSL_PATH = ("classy_state_dict", "base_model", "model", "trunk")
_STATE_DICT_NAMES = ("state_dict", "model_state_dict", "model", "network")  # the last: RotNet's authors'
_PREFIXES = ("module.", "trunk.", "base_model.")
_NAMED = 6  # keys spelled out in a message; the rest are counted


@register_check
def check_weights(config: Settings) -> Iterator[str]:
    """Refuse a checkpoint that does not fill the trunk of a probe or of VISSL's feature extractor.

    Nothing is built: the trunk exists only on the meta device. For VISSL's own models the key name and the prefixes of
    `MODEL.WEIGHTS_INIT` are followed, as VISSL will. Models that are trained as a whole may be filled in part.
    """
    model = config["MODEL"]
    path = model["WEIGHTS_INIT"]["PARAMS_FILE"]
    if not path or is_remote(path):
        return
    if model["BASE_MODEL_NAME"] == "probe_model":
        yield from trunk_problems(model, path)
    elif is_feature_extractor(model):
        weights = _trunk_weights_as_vissl(read_checkpoint(path), path, model["WEIGHTS_INIT"])
        yield from compare(weights, build_on_meta(model).state_dict(), model["TRUNK"]["NAME"], path)


def trunk_problems(model_config: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield what stops the checkpoint at `path` from filling the whole trunk of `config.MODEL`."""
    name = model_config["TRUNK"]["NAME"]
    if fixed_features(name):
        yield f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE: trunk '{name}' learns nothing; leave it out"
        return
    trunk = build_on_meta(model_config)
    yield from compare(trunk_weights(read_checkpoint(path), path), trunk.state_dict(), name, path)


def is_feature_extractor(model_config: Mapping[str, Any]) -> bool:
    """Return whether VISSL makes of `config.MODEL` a frozen trunk whose layers are read."""
    settings = model_config["FEATURE_EVAL_SETTINGS"]
    frozen = settings["EVAL_MODE_ON"] and settings["FREEZE_TRUNK_ONLY"]
    return bool(frozen and settings["LINEAR_EVAL_FEAT_POOL_OPS_MAP"])


def load_trunk(source: str, name: str) -> nn.Module:
    """Return a trunk with the weights of a checkpoint.

    Args:
        source: a file, a URL, or `zoo:NAME` of VISSL's model zoo.
        name: of the trunk (`trunks.registry.trunk_names`).

    Raises:
        MonoImageError: an unknown trunk, an unreadable checkpoint, or one that does not fill the trunk.
    """
    path = fetch(source) if is_remote(source) else source
    trunk = build_trunk(name)
    fill(trunk, name, read_checkpoint(path), path)
    release_checkpoint()
    return trunk


def fill(trunk: nn.Module, name: str, checkpoint: Mapping[str, Any], source: str) -> None:
    """Fill the whole trunk in place.

    Args:
        trunk: the module.
        name: what it is called in messages.
        checkpoint: what `read_checkpoint(source)` returned.
        source: path of the checkpoint, for messages.

    Raises:
        MonoImageError: naming the tensors that are missing or of another shape.
    """
    weights = trunk_weights(checkpoint, source)
    problems = compare(weights, trunk.state_dict(), name, source)
    if problems:
        raise MonoImageError("; ".join(problems))
    trunk.load_state_dict(weights, strict=False)


def trunk_weights(checkpoint: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    """Return the trunk's tensors by their names in the trunk, from VISSL's checkpoint or a plain state dict.

    Raises:
        MonoImageError: none of the formats we know has tensors in its place.
    """
    state: Any = checkpoint
    if _VISSL_PATH[0] in checkpoint:
        for key in _VISSL_PATH:
            state = state.get(key, {}) if isinstance(state, Mapping) else {}
    else:
        state = next((checkpoint[name] for name in _STATE_DICT_NAMES if name in checkpoint), checkpoint)
    tensors = {
        _without_prefixes(key): value
        for key, value in (state.items() if isinstance(state, Mapping) else ())
        if isinstance(value, Tensor) and not key.startswith("heads.")
    }
    if not tensors:
        raise MonoImageError(
            f"{source} holds no trunk: looked for {'.'.join(_VISSL_PATH)}, {', '.join(_STATE_DICT_NAMES)} "
            f"and a plain state dict, found {_some(map(str, checkpoint))}"
        )
    return tensors


def compare(weights: Mapping[str, Tensor], trunk: Mapping[str, Tensor], name: str, source: str) -> list[str]:
    """Return why `weights` do not fill the trunk `name` whose state is `trunk`; an empty list when all fit.

    Counters of batches (`num_batches_tracked`) may be missing: old checkpoints lack them and a frozen trunk
    never reads them. Surplus tensors only count beside the trunk's own (`_feature_blocks...`): they mean a
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


def _trunk_weights_as_vissl(checkpoint: Mapping[str, Any], source: str, init: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return what VISSL's init_model_from_consolidated_weights would give the trunk of a feature extractor."""
    key = init["STATE_DICT_KEY_NAME"]
    if key and key not in checkpoint:
        remedy = (
            f"set it to {_VISSL_PATH[0]}" if _VISSL_PATH[0] in checkpoint else f"it has {_some(map(str, checkpoint))}"
        )
        raise MonoImageError(f"{source} has no '{key}' (config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME): {remedy}")
    if key == _VISSL_PATH[0]:
        return trunk_weights(checkpoint, source)
    removed, added = init.get("REMOVE_PREFIX") or "", init.get("APPEND_PREFIX") or ""
    state = {
        added + name.removeprefix(removed): value for name, value in (checkpoint[key] if key else checkpoint).items()
    }
    start = "trunk.base_model."
    return {name.removeprefix(start): torch.as_tensor(value) for name, value in state.items() if name.startswith(start)}


def _without_prefixes(key: str) -> str:
    while prefix := next((one for one in _PREFIXES if key.startswith(one)), None):
        key = key.removeprefix(prefix)
    return key


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest
