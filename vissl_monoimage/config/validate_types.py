"""Types and ranges of VISSL's own keys, checked before anything else reads them; VISSL and Hydra check none."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.config.schema import as_written, fits
from vissl_monoimage.config.validate_keys import OUR_BLOCK
from vissl_monoimage.config.vissl_schema import key_problems

DISCRIMINATOR = "discriminator"
"""The block of `config.OPTIMIZER` that a second optimizer has, with the same keys."""
_TORCH_LOSS = {"reduction": "mean", "label_smoothing": 0.0}
"""Settings of torch's losses that torch checks only when it computes."""


def check_types(config: Settings, defaults: Settings) -> Iterator[str]:
    """Refuse values of a wrong type or out of range, whatever reads them.

    Args:
        config: what lies below VISSL's `config`.
        defaults: the same of VISSL's defaults.yaml.
    """
    yield from key_problems(config, defaults)
    yield from _schedule_problems(config, defaults["OPTIMIZER"])
    losses = at(config, "LOSS")
    for name, loss in losses.items() if isinstance(losses, dict) else ():
        if isinstance(loss, dict):
            others = {key: _TORCH_LOSS[key] for key in _TORCH_LOSS.keys() - defaults["LOSS"].get(name, {}).keys()}
            yield from key_problems(loss, others, f"LOSS.{name}.", whole=False)
    block = config.get(OUR_BLOCK, {})
    if not isinstance(block, Mapping):
        yield f"config.{OUR_BLOCK}={as_written(block)} must be a mapping with SOURCE, PROTOCOL and the like"
    heads = at(config, "MODEL.HEAD.PARAMS")
    if not isinstance(heads, list) or not all(map(_is_head, heads)):
        yield f"config.MODEL.HEAD.PARAMS={as_written(heads)} must be a list of [name, settings]"
    elif not heads and not at(config, "MODEL.FEATURE_EVAL_SETTINGS.EXTRACT_TRUNK_FEATURES_ONLY"):
        yield "config.MODEL.HEAD.PARAMS=[] is empty: name the head that the loss is of, such as [[mlp,{dims:[2048,4]}]]"
    if isinstance(folder := at(config, "CHECKPOINT.DIR"), list):
        yield f"config.CHECKPOINT.DIR={as_written(folder)} must be one folder"
    else:
        yield from _wrong_path("config.CHECKPOINT.DIR", folder)
    weights = at(config, "MODEL.WEIGHTS_INIT.PARAMS_FILE")
    if weights and isinstance(weights, list):
        yield f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={as_written(weights)} must be one file"
    elif weights:  # "" and null are random weights
        yield from _wrong_path("config.MODEL.WEIGHTS_INIT.PARAMS_FILE", weights)
    for split in ("TRAIN", "TEST"):
        if isinstance(data := at(config, f"DATA.{split}"), dict) and _is_read(split, config):
            yield from _check_split(f"config.DATA.{split}", data)


def _schedule_problems(config: Settings, defaults: Settings) -> Iterator[str]:
    """Yield what is wrong with schedules that VISSL's defaults do not have: those of other optimizers and parts."""
    places = [("OPTIMIZER.", at(config, "OPTIMIZER"))]
    if isinstance(own := at(config, f"OPTIMIZER.{DISCRIMINATOR}"), dict):
        places.append((f"OPTIMIZER.{DISCRIMINATOR}.", own))
        yield from key_problems(own, defaults, places[1][0], whole=False)
    keys = defaults["param_schedulers"]["lr"]
    for place, optimizer in places:
        schedules = at(optimizer, "param_schedulers")
        for name, schedule in schedules.items() if isinstance(schedules, dict) else ():
            where = f"{place}param_schedulers.{name}"
            if not isinstance(schedule, dict):
                if name not in defaults["param_schedulers"]:  # else it is named already
                    yield f"config.{where}={as_written(schedule)} must be a mapping with name, value and the like"
                continue
            if name not in defaults["param_schedulers"]:
                yield from key_problems(schedule, keys, f"{where}.", whole=False)
            parts = schedule.get("schedulers")
            for number, part in enumerate(parts if isinstance(parts, list) else ()):
                if isinstance(part, dict):
                    yield from key_problems(part, keys, f"{where}.schedulers.{number}.", whole=False)


def _is_read(split: str, config: Settings) -> bool:
    return not config.get("TEST_ONLY") if split == "TRAIN" else bool(config.get("TEST_MODEL"))


def _check_split(where: str, data: Settings) -> Iterator[str]:
    if data.get("DATA_SOURCES") == []:
        yield f"{where}.DATA_SOURCES=[] is empty: name at least one source"
    for key in ("DATA_PATHS", "LABEL_PATHS"):
        yield from _wrong_paths(f"{where}.{key}", data.get(key))
    limit: Any = data.get("DATA_LIMIT")
    if not fits(limit, int) or (limit < 1 and limit != -1):
        yield f"{where}.DATA_LIMIT={as_written(limit)} must be a whole number of at least 1, or -1 for all samples"


def at(config: Any, path: str) -> Any:
    """Return the value at a dotted path, None where there is none."""
    value = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _is_head(head: Any) -> bool:
    """Return whether `head` is `[name, settings]` or, as VISSL allows, a list of such pairs that follow each other."""
    if isinstance(head, list) and len(head) == 2 and isinstance(head[0], str):
        return isinstance(head[1], Mapping)
    return isinstance(head, list) and bool(head) and all(map(_is_head, head))


def _wrong_paths(where: str, paths: Any) -> Iterator[str]:
    """Yield what is wrong with a list of paths, of which each may be a list again: the photos of one source."""
    if isinstance(paths, str):
        yield f"{where}={paths} must be a list: [{paths}]"
    elif not isinstance(paths, list):
        yield f"{where}={as_written(paths)} must be a list of paths"
    else:
        yield from _wrong_path(where, paths)


def _wrong_path(where: str, value: Any) -> Iterator[str]:
    written = f"{where}={as_written(value)}"
    for path in _flat(value):
        if isinstance(path, int) and not isinstance(path, bool):
            yield f"{written}: {path} is a number, not a path: write {shlex.quote(_with_folders(value))}"
        elif not isinstance(path, str):
            yield f"{written}: {as_written(path)} is no path"
        elif not path.strip() and isinstance(value, str):
            yield f"{written} is empty: name a folder or a file"


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _with_folders(value: Any) -> str:
    """Return paths as an override takes them, with ./ before those that are numbers."""
    if isinstance(value, list):
        return f"[{','.join(map(_with_folders, value))}]"
    return quoted(value if isinstance(value, str) else f"./{value}")
