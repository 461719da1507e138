"""The keys of a composed configuration, compared with those that VISSL has."""

from __future__ import annotations

from collections.abc import Iterator

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.compose import overlay_folders
from vissl_monoimage.errors import nearest, unknown

TOP_LEVEL = ("VERSION", "node_id", "engine_name", "config")
OUR_BLOCK = "MONOIMAGE"
_DEEPEST = 3
"""Dots in the path of a block whose keys are compared; deeper blocks are free-form."""
_ACCEPTED = {
    "config": {OUR_BLOCK, "MONITOR_PERF_STATS"},
    "config.DATA": {"TRANSFORMS"},
    "config.DISTRIBUTED": {"DISTR_ON"},
    "config.LOSS": {"ignore_index", "bigan_loss"},
    "config.OPTIMIZER": {"exclude_bias_and_norm", "discriminator"},
    "config.OPTIMIZER.param_schedulers": {"weight_decay", "weight_decay_head"},
}
"""Keys that VISSL reads, or its YAMLs carry, though its defaults.yaml has no entry for them."""


def check_keys(composed: Settings, defaults: Settings) -> Iterator[str]:
    """Yield a sentence for each top-level key that VISSL does not read, and for each key that looks mistyped."""
    yield from (_unknown_top_level(key) for key in composed if key not in TOP_LEVEL)
    yield from _mistyped_keys(composed["config"], defaults["config"], "config")


def _unknown_top_level(key: str) -> str:
    """Describe a stray key; Hydra makes one of an overlay whose folder does not exist."""
    if not key.startswith("config/"):
        return unknown("top-level key", key, TOP_LEVEL)
    close = nearest(key, overlay_folders())
    hint = f"did you mean '+{close}='?" if close else "overlays are written +config/<folder>=<name>"
    return f"there are no overlays in '{key}': {hint}"


def _mistyped_keys(node: Settings, defaults: Settings, path: str) -> Iterator[str]:
    """Yield unknown keys that resemble a valid one; VISSL's free-form blocks may hold any others."""
    valid = set(defaults) | _ACCEPTED.get(path, set())
    for key, value in node.items():
        if key not in valid:
            close = nearest(str(key), valid)
            if close and path.count(".") < _DEEPEST:
                yield f"unknown key '{path}.{key}': did you mean '{path}.{close}'?"
        elif isinstance(value, dict) and isinstance(defaults.get(key), dict) and defaults[key]:
            yield from _mistyped_keys(value, defaults[key], f"{path}.{key}")
