"""Reading a composed configuration before anything starts: every mistake at once, each with its remedy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vissl_monoimage.config.compose import overlay_folders
from vissl_monoimage.config.schema import LARGEST_SEED
from vissl_monoimage.config.validate_data import data_problems, splits
from vissl_monoimage.errors import nearest, sentences, unknown

Settings = dict[str, Any]
TOP_LEVEL = ("VERSION", "node_id", "engine_name", "config")
OUR_BLOCK = "MONOIMAGE"
# Keys that VISSL reads, or its YAMLs carry, though its defaults.yaml has no entry for them.
ALSO_KNOWN = {
    "config": {OUR_BLOCK, "MONITOR_PERF_STATS"},
    "config.DATA": {"TRANSFORMS"},
    "config.DISTRIBUTED": {"DISTR_ON"},
    "config.LOSS": {"ignore_index", "bigan_loss"},
    "config.OPTIMIZER": {"exclude_bias_and_norm", "discriminator"},
    "config.OPTIMIZER.param_schedulers": {"weight_decay", "weight_decay_head"},
}


def problems_of(composed: Settings, defaults: Settings) -> list[str]:
    """Everything wrong with a composed configuration, a sentence each; empty where nothing is.

    Args:
        composed: the whole composed configuration, as plain containers.
        defaults: VISSL's defaults.yaml, which says which keys there are.
    """
    if scalars := list(_not_mappings(composed["config"], defaults["config"], "config")):
        return scalars  # the other checks look into them
    found = [_stray(key) for key in composed if key not in TOP_LEVEL]
    found += _unknown_keys(composed["config"], defaults["config"], "config")
    checks = (_names, _our_blocks, _seed, _schedule, data_problems, _clusters, _meters, _output_folder)
    return found + sentences(checks, composed["config"])


def _stray(key: str) -> str:
    """Hydra takes an overlay from a folder that is not there for a new key beside VISSL's four."""
    if not key.startswith("config/"):
        return unknown("top-level key", key, TOP_LEVEL)
    close = nearest(key, overlay_folders())
    hint = f"did you mean '+{close}='?" if close else "overlays are written +config/<folder>=<name>"
    return f"there are no overlays in '{key}': {hint}"


def _not_mappings(node: Settings, known: Settings, path: str) -> Iterator[str]:
    """Values in the place of a block of keys."""
    for key, value in node.items():
        block = known.get(key)
        if isinstance(block, dict) and block:
            if isinstance(value, dict):
                yield from _not_mappings(value, block, f"{path}.{key}")
            else:
                yield f"{path}.{key}={value} must be a mapping with {', '.join(list(block)[:4])} and the like"


def _unknown_keys(node: Settings, known: Settings, path: str) -> Iterator[str]:
    """Keys that look like a slip of a known one; VISSL's free-form blocks may hold others."""
    names = set(known) | ALSO_KNOWN.get(path, set())
    for key, value in node.items():
        where = f"{path}.{key}"
        if key not in names:
            close = nearest(str(key), names)
            if close and path.count(".") < 3:
                yield f"unknown key '{where}': did you mean '{path}.{close}'?"
        elif isinstance(value, dict) and isinstance(known.get(key), dict) and known[key]:
            yield from _unknown_keys(value, known[key], where)


def _seed(config: Settings) -> Iterator[str]:
    if config["SEED_VALUE"] not in range(LARGEST_SEED + 1):
        yield f"config.SEED_VALUE={config['SEED_VALUE']} must be a whole number from 0 to {LARGEST_SEED}"


def _names(config: Settings) -> Iterator[str]:
    """Every name that VISSL looks up in a registry of its own, and the device."""
    from classy_vision.losses import LOSS_REGISTRY
    from classy_vision.meters import METER_REGISTRY
    from classy_vision.optim import OPTIMIZER_REGISTRY
    from classy_vision.tasks import TASK_REGISTRY
    from torch.nn.modules import loss as torch_losses
    from vissl.data import DATASET_SOURCE_MAP
    from vissl.models import MODEL_REGISTRY
    from vissl.models.heads import MODEL_HEADS_REGISTRY
    from vissl.models.trunks import MODEL_TRUNKS_REGISTRY
    from vissl.trainer.train_steps import TRAIN_STEP_REGISTRY

    losses = [*LOSS_REGISTRY, *(name for name in torch_losses.__all__ if name not in LOSS_REGISTRY)]
    model = config["MODEL"]
    wanted: list[tuple[str, str, Iterable[str]]] = [
        ("device (config.MACHINE.DEVICE)", str(config["MACHINE"]["DEVICE"]), ("gpu", "cpu")),  # VISSL: else the CPU
        ("task (config.TRAINER.TASK_NAME)", config["TRAINER"]["TASK_NAME"], TASK_REGISTRY),
        ("train step (config.TRAINER.TRAIN_STEP_NAME)", config["TRAINER"]["TRAIN_STEP_NAME"], TRAIN_STEP_REGISTRY),
        ("model (config.MODEL.BASE_MODEL_NAME)", model["BASE_MODEL_NAME"], MODEL_REGISTRY),
        ("trunk (config.MODEL.TRUNK.NAME)", model["TRUNK"]["NAME"], MODEL_TRUNKS_REGISTRY),
        ("loss (config.LOSS.name)", config["LOSS"]["name"], losses),
        ("optimizer (config.OPTIMIZER.name)", config["OPTIMIZER"]["name"], OPTIMIZER_REGISTRY),
    ]
    if config["METERS"]["name"]:
        wanted.append(("meter (config.METERS.name)", config["METERS"]["name"], METER_REGISTRY))
    for name in _head_names(model["HEAD"]["PARAMS"]):
        wanted.append(("head (config.MODEL.HEAD.PARAMS)", name, MODEL_HEADS_REGISTRY))
    for split, data in splits(config):
        wanted += [
            (f"data source (config.DATA.{split}.DATA_SOURCES)", source, DATASET_SOURCE_MAP)
            for source in data["DATA_SOURCES"]
        ]
        yield from _transform_names(split, data)
    yield from (unknown(kind, name, choices) for kind, name, choices in wanted if name not in choices)


def _head_names(params: list[Any]) -> Iterator[str]:
    """Names in HEAD.PARAMS, which holds `[name, settings]` pairs or lists of such pairs."""
    for head in params:
        if head and isinstance(head[0], str):
            yield head[0]
        else:
            yield from _head_names(head)


def _transform_names(split: str, data: Settings) -> Iterator[str]:
    from classy_vision.dataset.transforms import TRANSFORM_REGISTRY
    from torchvision import transforms
    from vissl.data.collators import COLLATOR_REGISTRY

    offered = set(TRANSFORM_REGISTRY) | {name for name in dir(transforms) if name[0].isupper()}
    for transform in data["TRANSFORMS"]:
        name = transform.get("name", "")
        camel = name.title().replace("_", "")
        if "transform_type" not in transform and not {name, camel} & offered:
            yield unknown(f"transform (config.DATA.{split}.TRANSFORMS)", name, offered)
    collators = {"default_collate", *COLLATOR_REGISTRY}
    if data["COLLATE_FUNCTION"] not in collators:
        yield unknown(f"collator (config.DATA.{split}.COLLATE_FUNCTION)", data["COLLATE_FUNCTION"], collators)


def _our_blocks(config: Settings) -> Iterator[str]:
    """Our own block: its keys, the recipe, the photos, the checkpoint to probe."""
    from vissl_monoimage.config.blocks import problems_in

    yield from problems_in(config, splits(config))


def _schedule(config: Settings) -> Iterator[str]:
    """VISSL trains to the end and then dies where a multistep schedule has more values than epochs."""
    yield from _schedulers(config["OPTIMIZER"])
    rates = config["OPTIMIZER"]["param_schedulers"]["lr"]
    epochs = config["OPTIMIZER"]["num_epochs"]
    milestones = rates.get("milestones") or []
    if not isinstance(epochs, int) or epochs < 1:
        yield f"config.OPTIMIZER.num_epochs={epochs} must be a whole number of at least 1"
        return
    if rates.get("name") == "multistep" and milestones and max(milestones) >= epochs:
        yield (
            f"config.OPTIMIZER.param_schedulers.lr: milestone {max(milestones)} is not before the end at epoch "
            f"{epochs} (config.OPTIMIZER.num_epochs); drop it together with the last of its values"
        )


def _schedulers(settings: Settings, where: str = "config.OPTIMIZER") -> Iterator[str]:
    """Names of schedules, those inside composite ones and of a second optimizer included."""
    from classy_vision.optim.param_scheduler import PARAM_SCHEDULER_REGISTRY

    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _schedulers(value, f"{where}.{key}")
        if key != "param_schedulers":
            continue
        for rate, schedule in value.items():
            for one in [schedule, *(schedule.get("schedulers") or [])]:
                if one.get("name", "constant") not in PARAM_SCHEDULER_REGISTRY:
                    yield unknown(f"schedule ({where}.{key}.{rate})", one["name"], PARAM_SCHEDULER_REGISTRY)


def _clusters(config: Settings) -> Iterator[str]:
    from vissl_monoimage.pretext import deepcluster_v2

    yield from deepcluster_v2.problems_with(config)


def _meters(config: Settings) -> Iterator[str]:
    """`num_meters` must match the number of heads, or VISSL stops after the first epoch."""
    meters = config["METERS"]
    if meters["name"] != "accuracy_list_meter" or config["MODEL"]["BASE_MODEL_NAME"] == "probe_model":
        return
    heads = config["MODEL"]["HEAD"]["PARAMS"]
    outputs = len(config["MODEL"]["FEATURE_EVAL_SETTINGS"]["LINEAR_EVAL_FEAT_POOL_OPS_MAP"]) or 1
    count = meters["accuracy_list_meter"]["num_meters"]
    if outputs == len(heads) and count != outputs:
        yield f"config.METERS.accuracy_list_meter.num_meters={count} must be {outputs}, one for each head"


def _output_folder(config: Settings) -> Iterator[str]:
    folder = Path(config["CHECKPOINT"]["DIR"]).expanduser().absolute()
    standing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not standing.is_dir():
        yield f"config.CHECKPOINT.DIR='{folder}': '{standing}' is a file, not a folder"
    elif not os.access(standing, os.W_OK | os.X_OK):
        yield f"config.CHECKPOINT.DIR='{folder}': '{standing}' cannot be written"
