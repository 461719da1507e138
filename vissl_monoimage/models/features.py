"""What a trunk would compute, found without computing it: its layers, their shapes, its input size.

The trunk is built on torch's meta device, which has shapes and no numbers, so this costs milliseconds even
for an AlexNet and allocates nothing.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models.trunks.registry import OURS, build_trunk, trunk_names
from vissl_monoimage.utils.random import preserved_generators

Shape = tuple[int, ...]

_BESIDE_THE_TRUNK = {"HEAD", "WEIGHTS_INIT", "FEATURE_EVAL_SETTINGS"}
_last_built: dict[str, nn.Module] = {}


def build_on_meta(model_config: Mapping[str, Any]) -> nn.Module:
    """Build the trunk that `config.MODEL` names, without weights, in eval mode; callers share it and leave it as it is.

    The last one is kept: a run asks several times, and the filters of a scattering take 15 s.

    Raises:
        MonoImageError: an unknown trunk, or a setting that it cannot follow.
    """
    name = model_config["TRUNK"]["NAME"]
    if name not in OURS and name not in trunk_names():
        raise MonoImageError(f"config.MODEL.TRUNK.NAME: {unknown('trunk', name, trunk_names())}")
    settings = {key: value for key, value in model_config.items() if key not in _BESIDE_THE_TRUNK}
    key = json.dumps(settings, sort_keys=True, default=str)
    if key not in _last_built:
        try:
            with torch.device("meta"):
                trunk = build_trunk(name, model_config)
        except RuntimeError:  # VISSL's transformers read values that they have just computed
            with preserved_generators():
                trunk = build_trunk(name, model_config)
        _last_built.clear()
        _last_built[key] = trunk.eval().to("meta")  # filters made by NumPy too
    return _last_built[key]


def input_size(trunk: nn.Module) -> int:
    """Return the side in px of the images the trunk is made for: its `input_size`, or 224 as all of VISSL's."""
    return int(getattr(trunk, "input_size", 224))


def probed_layers(trunk: nn.Module) -> list[str]:
    """Return the names of the features that are probed, in order.

    They are those the trunk lists as `probed`; else `conv1`, `conv2`, ..., or of a ResNet `res2` to `res5`.
    """
    probed: list[str] | None = getattr(trunk, "probed", None)
    if probed:
        return probed
    names = feature_names(trunk)
    stages = [name for name in names if re.fullmatch(r"res[2-5]", name)]
    return stages or [name for name in names if re.fullmatch(r"conv\d+", name)]


def feature_names(trunk: nn.Module) -> list[str]:
    """Return all features the trunk can be asked for.

    Raises:
        MonoImageError: the trunk does not list its features.
    """
    names = getattr(trunk, "all_feat_names", None) or getattr(trunk, "feat_eval_mapping", None)
    if names is None:
        raise MonoImageError(
            f"trunk {type(trunk).__name__} does not list its features (all_feat_names or feat_eval_mapping), "
            "so its probes' sizes cannot be found: probe it with VISSL's own linear configs"
        )
    return list(names)


def feature_shapes(trunk: nn.Module, names: Iterable[str], size: int) -> dict[str, Shape]:
    """Return (channels, height, width) of each named feature of a trunk on the meta device.

    Args:
        trunk: made by `build_on_meta`.
        names: features of the trunk.
        size: side of the images in px.
    """
    names = tuple(names)
    return dict(zip(names, _shapes(trunk, names, size), strict=True))


@functools.lru_cache(maxsize=8)
def _shapes(trunk: nn.Module, names: tuple[str, ...], size: int) -> list[Shape]:
    with torch.no_grad():
        features = trunk(torch.empty(1, 3, size, size, device="meta"), list(names))
    return [tuple(feature.shape[1:]) for feature in features]
