"""Composing VISSL's configuration, with errors a person can act on."""

from __future__ import annotations

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

from vissl_monoimage.errors import MonoImageError, nearest


def compose_config(overrides: list[str]) -> DictConfig:
    """VISSL's defaults with `overrides`, in the grammar of its `run_distributed_engines`.

    Raises:
        MonoImageError: an unknown config, overlay or key, with the nearest match; a malformed override.
    """
    import vissl  # noqa: F401  # Hydra's plugins, ours among them, act where VISSL is imported

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Hydra's notes about its version 1.4
        with initialize_config_module(config_module="vissl.config", version_base="1.1"):
            try:
                config = compose("defaults", overrides=overrides)
                OmegaConf.to_container(config, resolve=True)
            except MissingConfigException as error:
                raise MonoImageError(_missing_config(error)) from None
            except (HydraException, OmegaConfBaseException) as error:
                raise MonoImageError(_bad_override(error, overrides)) from None
    return config


def vissl_defaults() -> dict[str, Any]:
    """VISSL's defaults.yaml, which says what keys a configuration has."""
    import vissl.config

    loaded = OmegaConf.load(Path(vissl.config.__file__).parent / "defaults.yaml")
    return cast("dict[str, Any]", OmegaConf.to_container(loaded))


def overlay_folders() -> set[str]:
    """Folders of YAMLs, VISSL's and ours, as they are written before the `=` of an overlay."""
    import configs
    from vissl_monoimage.hydra_plugin import config_folder

    roots = [Path(configs.__file__).parent, config_folder()]
    return {str(path.parent.relative_to(root)) for root in roots for path in root.rglob("*.yaml")}


def available_configs(folder: str) -> list[str]:
    """Names usable after `config=`, below `folder` ("" for all); only inside an initialised Hydra."""
    loader = GlobalHydra.instance().config_loader()
    found: list[str] = []
    groups = [folder]
    while groups:
        group = groups.pop()
        path = f"config/{group}".rstrip("/")
        found += [f"{group}/{name}".lstrip("/") for name in loader.get_group_options(path, ObjectType.CONFIG)]
        groups += [f"{group}/{name}".lstrip("/") for name in loader.get_group_options(path, ObjectType.GROUP)]
    return sorted(set(found))


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
    text = ": ".join(str(error).split("\n")[:2]).rstrip(".")
    missing = re.match(r"Could not override '([^']+)'", text)
    if not missing:
        return f"cannot compose the configuration: {text}"
    path = missing.group(1)
    parent, _, key = path.rpartition(".")
    siblings = [str(name) for name in _keys_at(parent, overrides)]
    close = nearest(key, siblings)
    hint = f"did you mean '{parent}.{close}'?" if close else f"'{parent}' has {', '.join(siblings)}"
    return f"unknown key '{path}': {hint} (a key that is new on purpose takes a '+' before it)"


def _keys_at(path: str, overrides: list[str]) -> list[Any]:
    """Keys of the node at `path` of the composed groups, without the overrides of single values."""
    groups = [override for override in overrides if "." not in override.split("=")[0]]
    node = OmegaConf.select(compose("defaults", overrides=groups), path)
    return list(node) if isinstance(node, DictConfig) else []
