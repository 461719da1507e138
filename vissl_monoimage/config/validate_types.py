"""Types and ranges of VISSL's own keys, checked before anything else reads them; VISSL and Hydra check none."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.config.schema import LARGEST_SEED, as_written, fits, spell
from vissl_monoimage.config.validate_data import splits

_TYPES: dict[str, Any] = {
    "TEST_ONLY": bool,
    "TEST_MODEL": bool,
    "TRAINER.TASK_NAME": str,
    "TRAINER.TRAIN_STEP_NAME": str,
    "MODEL.BASE_MODEL_NAME": str,
    "MODEL.TRUNK.NAME": str,
    "LOSS.name": str,
    "OPTIMIZER.name": str,
}
_SPLIT_TYPES: dict[str, Any] = {
    "DATA_SOURCES": list[str],
    "DATASET_NAMES": list[str],
    "LABEL_SOURCES": list[str],
    "TRANSFORMS": list[Mapping[str, Any]],
    "COLLATE_FUNCTION": str,
}
_LEAST = {
    "OPTIMIZER.num_epochs": 1,
    "DISTRIBUTED.NUM_PROC_PER_NODE": 1,
    "DISTRIBUTED.NUM_NODES": 1,
    "DATA.NUM_DATALOADER_WORKERS": 0,
}


def check_types(config: Settings) -> Iterator[str]:
    """Refuse values of a wrong type or out of range in keys that the other checks read."""
    for key, wanted in _TYPES.items():
        yield from _wrong_type(f"config.{key}", _at(config, key), wanted)
    for key, least in _LEAST.items():
        yield from _too_small(f"config.{key}", _at(config, key), least)
    seed, heads = config["SEED_VALUE"], config["MODEL"]["HEAD"]["PARAMS"]
    if not fits(seed, int) or not 0 <= seed <= LARGEST_SEED:
        yield f"config.SEED_VALUE={as_written(seed)} must be a whole number from 0 to {LARGEST_SEED}"
    if not isinstance(heads, list) or not all(map(_is_head, heads)):
        yield f"config.MODEL.HEAD.PARAMS={as_written(heads)} must be a list of [name, settings]"
    yield from _wrong_path("config.CHECKPOINT.DIR", config["CHECKPOINT"]["DIR"])
    weights = config["MODEL"]["WEIGHTS_INIT"]["PARAMS_FILE"]
    if weights:  # "" and null are random weights
        yield from _wrong_path("config.MODEL.WEIGHTS_INIT.PARAMS_FILE", weights)
    for split, data in splits(config):
        yield from _check_split(f"config.DATA.{split}", data)


def _check_split(where: str, data: Settings) -> Iterator[str]:
    for key, wanted in _SPLIT_TYPES.items():
        yield from _wrong_type(f"{where}.{key}", data.get(key), wanted)
    if data["DATA_SOURCES"] == []:
        yield f"{where}.DATA_SOURCES=[] is empty: name at least one source"
    for key in ("DATA_PATHS", "LABEL_PATHS"):
        yield from _wrong_paths(f"{where}.{key}", data[key])
    yield from _too_small(f"{where}.BATCHSIZE_PER_REPLICA", data["BATCHSIZE_PER_REPLICA"], 1)
    limit = data["DATA_LIMIT"]
    if not fits(limit, int) or (limit < 1 and limit != -1):
        yield f"{where}.DATA_LIMIT={as_written(limit)} must be a whole number of at least 1, or -1 for all samples"


def _at(config: Settings, path: str) -> Any:
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _wrong_type(where: str, value: Any, wanted: Any) -> Iterator[str]:
    if not fits(value, wanted):
        yield f"{where}={as_written(value)} must be {spell(wanted)}"


def _too_small(where: str, value: Any, least: int) -> Iterator[str]:
    if not fits(value, int) or value < least:
        yield f"{where}={as_written(value)} must be a whole number of at least {least}"


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
        elif not path and isinstance(value, str):
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
