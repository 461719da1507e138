"""The tiny runs whose writes fail: the words after `monoimage`, each writing into the folder `out`."""

from __future__ import annotations

import kinds

_KILLED = ("rotnet", "probe", "probe-cached", "deepcluster", "monogan", "reproduce", "init")
COMMANDS: dict[str, list[str]] = {
    **{name: kinds.COMMANDS[name] for name in _KILLED},
    "report": ["report", "in", "-o", "out"],
    "dataset": ["dataset", "write", "china", "out", "--samples", "3", "--size", "32", "--workers", "1"],
    "export": ["export", "in/rotnet/checkpoint.torch", "-o", "out", "--results", "in"],
}
NEED_RUNS = ("report", "export")
RUNS = [  # into the folder `in`, for the commands that need runs
    [*kinds.COMMANDS["rotnet"], "config.CHECKPOINT.DIR=in/rotnet"],
    [
        *kinds.COMMANDS["probe"],
        "config.CHECKPOINT.DIR=in/probe",
        "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=in/rotnet/checkpoint.torch",
    ],
]
WITHOUT_VISSL = ("dataset",)
