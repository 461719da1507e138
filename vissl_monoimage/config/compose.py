"""Compose VISSL's configuration from overrides, with errors that say what to change."""

from __future__ import annotations

import functools
import re
import warnings
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vissl_monoimage.compat.process_settings import parse_yaml_with_libyaml
from vissl_monoimage.config import quoting
from vissl_monoimage.errors import MonoImageError, nearest


def compose_config(overrides: list[str]) -> DictConfig:
    """Compose VISSL's defaults with `overrides`, in the grammar of its `run_distributed_engines`.

    Raises:
        MonoImageError: an unknown config, overlay or key, with the nearest match; a malformed override.
    """
    import vissl  # noqa: F401  # Hydra's plugins, ours among them, act where VISSL is imported

    parse_yaml_with_libyaml()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Hydra's notes about its version 1.4
        with initialize_config_module(config_module="vissl.config", version_base="1.1"):
            try:
                config = compose("defaults", overrides=overrides)
                OmegaConf.to_container(config, resolve=True)
            except MissingConfigException as error:
                raise MonoImageError(_missing_config(error)) from None
            except (HydraException, OmegaConfBaseException, ValueError) as error:  # the last for +config/monoimage=3
                raise MonoImageError(_bad_override(error, overrides)) from None
    return config


@functools.cache
def vissl_defaults() -> dict[str, Any]:
    """Return VISSL's defaults.yaml, which lists the keys of a configuration; callers must not change it."""
    import vissl.config

    parse_yaml_with_libyaml()
    loaded = OmegaConf.load(Path(vissl.config.__file__).parent / "defaults.yaml")
    return cast("dict[str, Any]", OmegaConf.to_container(loaded))


def overlay_folders() -> set[str]:
    """Return the folders of YAMLs, VISSL's and ours, as an overlay names them before its `=`."""
    import configs
    from vissl_monoimage.utils.paths import config_folder

    roots = [Path(configs.__file__).parent, config_folder()]
    return {str(path.parent.relative_to(root)) for root in roots for path in root.rglob("*.yaml")}


def available_configs(folder: str) -> list[str]:
    """Return the names usable after `config=` below `folder` ("" for all); Hydra must be initialised."""
    loader = GlobalHydra.instance().config_loader()
    names: list[str] = []
    groups = [folder]
    while groups:
        group = groups.pop()
        path = f"config/{group}".rstrip("/")
        names += [f"{group}/{name}".lstrip("/") for name in loader.get_group_options(path, ObjectType.CONFIG)]
        groups += [f"{group}/{name}".lstrip("/") for name in loader.get_group_options(path, ObjectType.GROUP)]
    return sorted(set(names))


def _missing_config(error: MissingConfigException) -> str:
    wanted = (error.missing_cfg_file or "").removeprefix("config/")
    top = wanted.split("/")[0]
    names = available_configs(top) or available_configs("")
    close = nearest(wanted, names)
    if close is None:  # a right name in the wrong folder
        close = next((name for name in names if name.endswith(wanted.split("/")[-1])), None)
    hint = f"did you mean '{close}'?" if close else f"there are {len(names)}, such as {', '.join(names[:5])}"
    return f"unknown config '{wanted}': {hint}"


def _bad_override(error: Exception, overrides: list[str]) -> str:
    if sentence := quoting.advice(overrides):
        return sentence
    text = ": ".join(str(error).split("\n")[:2]).rstrip(".")
    missing = re.match(r"Could not override '([^']+)'", text)
    sentence = _missing_key(missing.group(1), overrides) if missing else None
    return sentence or f"cannot compose the configuration: {text}"


def _missing_key(path: str, overrides: list[str]) -> str | None:
    """Name the first part of `path` that does not exist, and the keys that do; None if nothing is missing."""
    node = _composed_before(path, overrides)
    parts = path.split(".")
    for depth, key in enumerate(parts):
        parent = ".".join(parts[:depth])
        if not isinstance(node, dict):
            return f"unknown key '{parent}.{key}': '{parent}' is a value, not a block of keys"
        if key not in node:
            wrong = f"unknown key '{'.'.join(parts[: depth + 1])}'"
            if close := nearest(key, node):
                right = ".".join([*parts[:depth], close])
                return f"{wrong}: did you mean '{right}'? (a key that is new on purpose takes a '+' before it)"
            keys = f"'{parent or 'the configuration'}' has {', '.join(node) or 'no keys yet'}"
            return f"{wrong}: {keys}; a key that is new on purpose takes a '+' before it: +{path}=..."
        node = node[key]
        if isinstance(node, list):
            node = {str(index): item for index, item in enumerate(node)}
    return None


def _composed_before(path: str, overrides: list[str]) -> Any:
    """Return what the override of `path` is applied to: the YAMLs, the overlays and the overrides to its left."""
    keys = [override.split("=")[0] for override in overrides]
    place = keys.index(path) if path in keys else 0
    yamls = [override for key, override in zip(keys, overrides, strict=True) if re.fullmatch(r"[+~]*config(/.*)?", key)]
    values = [override for override in overrides[:place] if override not in yamls]
    return OmegaConf.to_container(compose("defaults", overrides=[*yamls, *values]), resolve=False)
