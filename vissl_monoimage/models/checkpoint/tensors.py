"""The tensors of a model in a checkpoint, where VISSL and other libraries keep them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vissl_monoimage.errors import MonoImageError

State = Mapping[str, Tensor]

VISSL_KEY = "classy_state_dict"
_VISSL_MODEL = (VISSL_KEY, "base_model", "model")
_STATE_DICT_NAMES = ("state_dict", "model_state_dict", "model", "network")  # the last: RotNet's authors'
_WRAPPERS = ("module.", "trunk.", "base_model.")  # what torch's DataParallel and VISSL put before a trunk's names
COUNTER = "num_batches_tracked"
"""Ends the names of counters of batches, which old checkpoints lack and frozen batch norms never read."""
_HEADS = "heads."
_LISTED = 6  # names spelled out in a message; the rest are counted


@dataclass(frozen=True)
class WeightsSettings:
    """What `config.MODEL.WEIGHTS_INIT` says about a file; the defaults are VISSL's.

    Attributes:
        key: the state dict's name in the file; VISSL's default, and "", also find state dicts by their usual names.
        skip: tensors whose names contain one of these keep their initial values.
        remove: prefix removed from names, if they begin with it.
        append: prefix put before all names, after `remove`.
    """

    key: str = VISSL_KEY
    skip: tuple[str, ...] = ()
    remove: str = ""
    append: str = ""

    @classmethod
    def from_config(cls, model_config: Mapping[str, Any]) -> WeightsSettings:
        """Read the settings from `config.MODEL`."""
        init = model_config["WEIGHTS_INIT"]
        return cls(
            init.get("STATE_DICT_KEY_NAME") or "",
            tuple(init.get("SKIP_LAYERS") or ()),
            init.get("REMOVE_PREFIX") or "",
            init.get("APPEND_PREFIX") or "",
        )

    def with_counters(self) -> WeightsSettings:
        """Return the settings without VISSL's default entry of `skip`: a whole trunk has its counters of batches."""
        return replace(self, skip=tuple(part for part in self.skip if part != COUNTER))

    def skips(self, name: str) -> bool:
        """Return whether the tensor of that name in VISSL's model keeps its initial value."""
        return any(part in name for part in self.skip)


DEFAULTS = WeightsSettings()


def tensors_in(checkpoint: Mapping[str, Any], source: str, settings: WeightsSettings = DEFAULTS) -> dict[str, Tensor]:
    """Return all tensors of the model in a checkpoint; those of VISSL's model begin with `trunk.` or `heads.`.

    Args:
        checkpoint: the content of the file.
        source: its path, for messages.
        settings: where the tensors are.

    Raises:
        MonoImageError: there are no tensors where they are looked for.
    """
    key = settings.key
    if key and key not in checkpoint and key != VISSL_KEY:
        remedy = f"set it to {VISSL_KEY}" if VISSL_KEY in checkpoint else f"it has {some(map(str, checkpoint))}"
        raise MonoImageError(f"{source} has no '{key}' (config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME): {remedy}")
    if VISSL_KEY in checkpoint and key in ("", VISSL_KEY):
        return _checked(dict(_of_vissl(checkpoint)), checkpoint, source)
    names = [key] if key in checkpoint else [name for name in _STATE_DICT_NAMES if name in checkpoint]
    state = checkpoint[names[0]] if names else checkpoint
    tensors = {
        settings.append + name.removeprefix(settings.remove): torch.as_tensor(value)
        for name, value in (state.items() if isinstance(state, Mapping) else ())
        if isinstance(name, str) and _is_tensor(value)
    }
    return _checked(tensors, checkpoint, source)


def without_heads(tensors: State) -> dict[str, Tensor]:
    """Return the tensors that do not belong to a head of VISSL's model."""
    return {name: value for name, value in tensors.items() if not without_wrappers(name).startswith(_HEADS)}


def heads_in(tensors: State) -> dict[str, Tensor]:
    """Return the tensors of the heads of VISSL's model, by their names below `heads.`."""
    named = {without_wrappers(name): value for name, value in tensors.items()}
    return {name.removeprefix(_HEADS): value for name, value in named.items() if name.startswith(_HEADS)}


def without_wrappers(name: str) -> str:
    """Remove what DataParallel and VISSL's models put before a trunk's names."""
    while prefix := next((prefix for prefix in _WRAPPERS if name.startswith(prefix)), None):
        name = name.removeprefix(prefix)
    return name


def some(names: Iterable[str]) -> str:
    """Return the first names in order, each in one line, and how many more there are."""
    names = sorted(" ".join(name.split()) for name in names)
    rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + rest


def unloadable(value: Tensor, like: Tensor) -> str:
    """Return what kind of tensor `value` is if it cannot be copied into `like` as it is, "" if it can."""
    if value.is_meta:
        return "without values (on the meta device)"
    if value.layout != torch.strided or value.is_quantized:
        return "quantized" if value.is_quantized else str(value.layout).removeprefix("torch.")
    fits = value.dtype.is_floating_point or value.dtype == like.dtype
    return "" if fits else f"of {str(value.dtype).removeprefix('torch.')}"


def _is_tensor(value: Any) -> bool:
    """Return whether `value` is a tensor, or an array of numbers that becomes one."""
    return isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.dtype.kind in "bifc")


def _of_vissl(checkpoint: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    model: Any = checkpoint
    for key in _VISSL_MODEL:
        model = model.get(key, {}) if isinstance(model, Mapping) else {}
    for part in ("trunk", "heads"):
        state = model.get(part, {}) if isinstance(model, Mapping) else {}
        for name, value in state.items() if isinstance(state, Mapping) else ():
            if _is_tensor(value):
                yield f"{part}.{name}", torch.as_tensor(value)


def _checked(tensors: dict[str, Tensor], checkpoint: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    if not without_heads(tensors):
        raise MonoImageError(
            f"{source} holds no trunk: looked for {'.'.join(_VISSL_MODEL)}.trunk, {', '.join(_STATE_DICT_NAMES)} "
            f"and a plain state dict, found {some(map(str, checkpoint))}"
        )
    return tensors
