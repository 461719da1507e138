"""Types, ranges and choices of VISSL's keys, where its defaults.yaml does not say them.

Paths are below `config`; `*` stands for TRAIN and TEST, or for the name of a schedule, a loss or a meter.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vissl_monoimage.config.schema import LARGEST_SEED


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
        finite = abs(value) <= sys.float_info.max  # of whole numbers, math.isfinite takes none above it
        return finite and self.least <= value <= self.most and not (self.above and value == self.least)

    def __str__(self) -> str:
        if self.most < math.inf:
            return f"from {self.least:.0f} to {self.most:.0f}"
        return f"above {self.least:.0f}" if self.above else f"of at least {self.least:.0f}"


_AT_LEAST_ONE, _NOT_NEGATIVE, _POSITIVE = Range(1), Range(0), Range(0, above=True)
TYPES: dict[str, Any] = {
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
RANGES: dict[str, Range] = {
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
    "LOSS.*.label_smoothing": Range(0, 1),
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
CHOICES: dict[str, tuple[str, ...]] = {
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
"""What a key that is a word may be."""
