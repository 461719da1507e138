"""Checks of `config.MODEL.WEIGHTS_INIT` before a run starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.models.checkpoint.file import read_checkpoint
from vissl_monoimage.models.checkpoint.match import find_trunk_weights
from vissl_monoimage.models.checkpoint.tensors import WeightsSettings
from vissl_monoimage.models.download import is_remote
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.models.trunks.registry import fixed_features

_SHARDED = ("regnet_fsdp",)  # spread over processes, so that it cannot be built here; VISSL loads it


@register_check
def check_weights(config: Settings) -> Iterator[str]:
    """Refuse a checkpoint that does not fill all of a frozen trunk, or that fills nothing of a trained one."""
    yield from weights_problems(config["MODEL"], require_all=is_frozen(config["MODEL"]))


def weights_problems(model_config: Mapping[str, Any], require_all: bool) -> Iterator[str]:
    """Yield why the checkpoint that `config.MODEL` names, if any, cannot be loaded into its trunk.

    The trunk exists only on the meta device.

    Args:
        model_config: what lies below `config.MODEL`.
        require_all: whether the checkpoint has to fill the whole trunk.
    """
    path, name = model_config["WEIGHTS_INIT"]["PARAMS_FILE"], model_config["TRUNK"]["NAME"]
    if not path or is_remote(path) or name in _SHARDED:
        return
    if fixed_features(name):
        yield f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE: trunk '{name}' learns nothing; leave it out"
        return
    settings = WeightsSettings.from_config(model_config)
    state = build_on_meta(model_config).state_dict()
    yield from find_trunk_weights(read_checkpoint(path), path, name, state, settings).problems(require_all)


def is_frozen(model_config: Mapping[str, Any]) -> bool:
    """Return whether the trunk is evaluated as it is, so that initial values in a part of it would be a mistake."""
    settings = model_config["FEATURE_EVAL_SETTINGS"]
    return bool(settings["EVAL_MODE_ON"] and (settings["FREEZE_TRUNK_ONLY"] or settings["FREEZE_TRUNK_AND_HEAD"]))
