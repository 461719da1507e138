"""The types, ranges and choices of VISSL's keys. VISSL and Hydra check none of them.

The type of a key is that of its value in VISSL's defaults.yaml, but for `_TYPES`. Paths are below `config`; `*` stands
for TRAIN and TEST, or for the name of a schedule.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.schema import LARGEST_SEED, as_written, fits, spell
from vissl_monoimage.errors import nearest


@dataclass(frozen=True)
class Range:
    """The numbers that a key takes.

    Attributes:
        least: the smallest one.
        most: the largest one.
        above: whether `least` itself is too small.
    """

    least: float
    most: float = math.inf
    above: bool = False

    def holds(self, value: float) -> bool:
        """Return whether `value` is finite and in the range."""
        return self.least <= value <= self.most and math.isfinite(value) and not (self.above and value == self.least)

    def __str__(self) -> str:
        if self.most < math.inf:
            return f"from {self.least:.0f} to {self.most:.0f}"
        return f"above {self.least:.0f}" if self.above else f"of at least {self.least:.0f}"


_AT_LEAST_ONE, _NOT_NEGATIVE, _POSITIVE = Range(1), Range(0), Range(0, above=True)
_TYPES: dict[str, Any] = {
    "DATA.*.DATA_SOURCES": list[str],
    "DATA.*.LABEL_SOURCES": list[str],
    "DATA.*.TRANSFORMS": list[Mapping[str, Any]],
    "DISTRIBUTED.NCCL_SOCKET_NTHREADS": Any,
    "HOOKS.TENSORBOARD_SETUP.EXPERIMENT_LOG_DIR": str | None,
    "METERS.name": str | None,
    "MODEL.GRAD_CLIP.MAX_NORM": float,
    "MODEL.GRAD_CLIP.NORM_TYPE": Any,
    "MODEL.TRUNK.VISION_TRANSFORMERS.*_RATE": float,
    "MODEL.TRUNK.XCIT.*_RATE": float,
    "MODEL.TRUNK.XCIT.ETA": float,
    "OPTIMIZER.*.schedulers": list[Mapping[str, Any]],
}
"""Where VISSL takes more, or asks for more, than the type of the default value."""
ELSEWHERE = (
    "CHECKPOINT.DIR",
    "DATA.*.DATA_LIMIT",
    "DATA.*.DATA_PATHS",
    "DATA.*.LABEL_PATHS",
    "MODEL.HEAD.PARAMS",
    "MODEL.WEIGHTS_INIT.PARAMS_FILE",
)
"""Keys that `validate_types` checks: their sentences say more than a type."""
_RANGES: dict[str, Range] = {
    "CHECKPOINT.CHECKPOINT_FREQUENCY": _AT_LEAST_ONE,
    "CHECKPOINT.CHECKPOINT_ITER_FREQUENCY": Range(-1),
    "CHECKPOINT.LATEST_CHECKPOINT_RESUME_FILE_NUM": _AT_LEAST_ONE,
    "DATA.*.BATCHSIZE_PER_REPLICA": _AT_LEAST_ONE,
    "DATA.*.DATA_LIMIT_SAMPLING.SEED": Range(0, LARGEST_SEED),
    "DATA.*.DATA_LIMIT_SAMPLING.SKIP_NUM_SAMPLES": _NOT_NEGATIVE,
    "DATA.NUM_DATALOADER_WORKERS": _NOT_NEGATIVE,
    "DISTRIBUTED.NUM_NODES": _AT_LEAST_ONE,
    "DISTRIBUTED.NUM_PROC_PER_NODE": _AT_LEAST_ONE,
    "LOG_FREQUENCY": _AT_LEAST_ONE,
    "LOSS.*.temperature": _POSITIVE,
    "NEAREST_NEIGHBOR.SIGMA": _POSITIVE,
    "NEAREST_NEIGHBOR.TOPK": _AT_LEAST_ONE,
    "METERS.*.num_meters": _NOT_NEGATIVE,
    "METERS.*.topk_values": _AT_LEAST_ONE,
    "MODEL.GRAD_CLIP.MAX_NORM": _POSITIVE,
    "OPTIMIZER.*weight_decay": _NOT_NEGATIVE,
    "OPTIMIZER.momentum": Range(0, 1),
    "OPTIMIZER.num_epochs": _AT_LEAST_ONE,
    "OPTIMIZER.*.base_lr_batch_size": _AT_LEAST_ONE,
    "OPTIMIZER.*.milestones": _NOT_NEGATIVE,
    "OPTIMIZER.*param_schedulers.*value": _NOT_NEGATIVE,
    "OPTIMIZER.*param_schedulers.*values": _NOT_NEGATIVE,
    "SEED_VALUE": Range(0, LARGEST_SEED),
    "TEST_EVERY_NUM_EPOCH": _AT_LEAST_ONE,
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "CHECKPOINT.BACKEND": ("disk",),
    "DATA.*.LABEL_TYPE": ("standard", "sample_index", "zero"),
    "DISTRIBUTED.BACKEND": ("gloo", "nccl", "mpi"),
    "DISTRIBUTED.INIT_METHOD": ("tcp", "file", "env"),
    "LOSS.*.reduction": ("none", "mean", "sum"),
    "MODEL.AMP_PARAMS.AMP_TYPE": ("apex", "pytorch"),
    "MODEL.INPUT_TYPE": ("rgb", "bgr", "lab"),
    "MODEL.SYNC_BN_CONFIG.SYNC_BN_TYPE": ("apex", "pytorch"),
    "MULTI_PROCESSING_METHOD": ("forkserver", "fork", "spawn"),
    "OPTIMIZER.*.scaling_type": ("linear", "sqrt"),
    "OPTIMIZER.*.update_interval": ("epoch", "step"),
}


def key_problems(settings: Settings, defaults: Settings, path: str = "", whole: bool = True) -> Iterator[str]:
    """Yield a sentence for each key that has a value of a wrong type or out of range.

    Args:
        settings: a block of the configuration.
        defaults: the same block in VISSL's defaults.yaml.
        path: of the block below `config`, with a dot at its end.
        whole: whether a key that is missing is a problem too.
    """
    for key, default in defaults.items():
        place, block = path + key, isinstance(default, dict) and bool(default)
        if key not in settings:
            if whole:
                yield f"config.{place} is missing: VISSL's own value is {as_written(default)}"
        elif block and isinstance(settings[key], dict):
            yield from key_problems(settings[key], default, f"{place}.", whole)
        elif block:
            keys = ", ".join(list(default)[:4])
            yield f"config.{place}={as_written(settings[key])} must be a mapping with {keys} and the like"
        elif not _is_elsewhere(place):
            yield from value_problems(place, settings[key], default)


def value_problems(place: str, value: Any, default: Any) -> Iterator[str]:
    """Yield what is wrong with the value of one key, if anything; `default` is VISSL's own value of it."""
    stated, limits, choices = _entries(place)
    wanted = _type_of(default) if stated is None else stated
    written, numbers = f"config.{place}={as_written(value)}", value if isinstance(value, list) else [value]
    if choices:
        if value not in choices:
            close = nearest(str(value), choices)
            yield f"{written} must be {' or '.join(choices)}" + (f": did you mean '{close}'?" if close else "")
    elif not fits(value, wanted) or (limits and not all(map(limits.holds, numbers))):
        yield f"{written} must be {spell(wanted)}{f' {limits}' if limits else ''}"
    elif wanted in (float, list[float]) and not all(map(math.isfinite, numbers)):
        yield f"{written} must be {spell(wanted)}, and finite"


@functools.cache
def _entries(place: str) -> tuple[Any, Range | None, tuple[str, ...] | None]:
    """Return the entries of the first pattern that `place` fits in `_TYPES`, `_RANGES` and `_CHOICES`."""
    tables: tuple[dict[str, Any], ...] = (_TYPES, _RANGES, _CHOICES)
    stated, limits, choices = (
        next((entry for pattern, entry in table.items() if fnmatchcase(place, pattern)), None) for table in tables
    )
    return stated, limits, choices


@functools.cache
def _is_elsewhere(place: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in ELSEWHERE)


def _type_of(value: Any) -> Any:
    """Return the type that VISSL's own value of a key stands for; it says nothing where it is null."""
    if value is None:
        return Any
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        lists: dict[Any, Any] = {frozenset({kind}): list[kind] for kind in (int, float, str)}  # type: ignore[valid-type]
        return {**lists, frozenset({int, float}): list[float]}.get(frozenset(kinds), list)
    return Mapping if isinstance(value, dict) else type(value)
