"""Filling VISSL's models, trunk and heads, from checkpoints of any library."""

from __future__ import annotations

import dataclasses
from typing import Any

from fairscale.nn.data_parallel import FullyShardedDataParallel
from torch import Tensor
from vissl.config import AttrDict
from vissl.utils.checkpoint import init_model_from_consolidated_weights

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.file import read_checkpoint
from vissl_monoimage.models.checkpoint.match import find_trunk_weights
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.checkpoint.tensors import (
    COUNTER,
    VISSL_KEY,
    State,
    WeightsSettings,
    heads_in,
    some,
    tensors_in,
    unloadable,
)


def is_sharded(model: Any) -> bool:
    """Return whether the trunk is spread over processes; VISSL alone loads such models."""
    return isinstance(_base_trunk(model), FullyShardedDataParallel)


def load_model(model: Any, config: AttrDict, require_all: bool) -> LoadReport:
    """Fill a model of VISSL from the checkpoint that `config.MODEL.WEIGHTS_INIT` names.

    The tensors are given to VISSL's own loading in VISSL's format, by the trunk's names.

    Args:
        model: with `trunk` and `heads`.
        config: what lies below VISSL's `config`.
        require_all: whether the checkpoint has to fill the whole trunk.

    Raises:
        MonoImageError: nothing in the checkpoint is for the trunk, or not all where that is asked, or tensors have
            other shapes.
    """
    path, settings = config.MODEL.WEIGHTS_INIT.PARAMS_FILE, WeightsSettings.from_config(config.MODEL)
    settings = settings.with_counters() if require_all else settings
    checkpoint = read_checkpoint(path)
    weights = find_trunk_weights(checkpoint, path, config.MODEL.TRUNK.NAME, _base_trunk(model).state_dict(), settings)
    heads = heads_in(tensors_in(checkpoint, path, settings)) if _loads_heads(config) else {}
    problems = [*weights.problems(require_all), *_misfits(heads, model.heads.state_dict(), path, settings)]
    if problems:
        raise MonoImageError("; ".join(problems))
    content = {VISSL_KEY: {"base_model": {"model": {"trunk": weights.usable, "heads": heads}}}}
    init_model_from_consolidated_weights(config, model, content, VISSL_KEY, list(settings.skip))
    if not _loads_heads(config):
        return weights.report()
    names = {name for name in model.heads.state_dict() if not name.endswith(COUNTER)}
    loaded = {name for name in names & set(heads) if not settings.skips(f"heads.{name}")}
    return dataclasses.replace(weights.report(), heads_loaded=len(loaded), heads_total=len(names))


def _base_trunk(model: Any) -> Any:
    """Return the trunk without VISSL's feature extractor around it."""
    return getattr(model.trunk, "base_model", model.trunk)


def _loads_heads(config: AttrDict) -> bool:
    """Return whether VISSL loads heads: in training, and in an evaluation of heads."""
    settings = config.MODEL.FEATURE_EVAL_SETTINGS
    return bool(not settings.EVAL_MODE_ON or settings.EVAL_TRUNK_AND_HEAD)


def _misfits(tensors: dict[str, Tensor], heads: State, path: str, settings: WeightsSettings) -> list[str]:
    odd = [
        f"heads.{name} {kind}"
        for name in set(tensors) & set(heads)
        if not settings.skips(f"heads.{name}") and (kind := unloadable(tensors[name], heads[name]))
    ]
    if odd:
        return [f"{path} has tensors that are not plain weights: {some(odd)}"]
    misfits = [
        f"{name} {list(tensors[name].shape)} instead of {list(heads[name].shape)}"
        for name in set(tensors) & set(heads)
        if tensors[name].shape != heads[name].shape and not settings.skips(f"heads.{name}")
    ]
    if not misfits:
        return []
    skipped = ",".join([*settings.skip, "heads"])
    return [
        f"{path} has other heads than this model: {some(misfits)}; to start with new heads set "
        f"config.MODEL.WEIGHTS_INIT.SKIP_LAYERS=[{skipped}]"
    ]
