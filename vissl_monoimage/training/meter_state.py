"""Meters of a training epoch, kept with the checkpoints inside it: VISSL resets them where a run resumes."""

from __future__ import annotations

import copy
from typing import Any

from classy_vision.hooks import ClassyHook

from vissl_monoimage.utils.distributed import is_primary

KEY = "meters_of_epoch"


class MeterStateHook(ClassyHook):
    """Collect the meters of all ranks for each checkpoint inside an epoch, and restore them when a run resumes there.

    `task.meters_of_epoch` is what the checkpoint holds: the epoch and the state of each meter, as if the epoch ended
    now. It is restored on the primary rank alone, whose meters add up those of all ranks at the end of the epoch; so
    the number of ranks may be another. It must run before VISSL's own hooks, one of which writes the checkpoints.
    """

    on_start = ClassyHook._noop
    on_end = ClassyHook._noop

    def on_phase_start(self, task: Any) -> None:
        saved = task.meters_of_epoch
        if task.train and saved and saved["epoch"] == task.train_phase_idx and is_primary():
            for meter, state in zip(task.meters, saved["states"], strict=True):
                meter.set_classy_state(state)
        task.meters_of_epoch = None

    def on_step(self, task: Any) -> None:
        every = task.config["CHECKPOINT"]["CHECKPOINT_ITER_FREQUENCY"]
        if task.train and every > 0 and task.iteration % every == 0:
            meters = copy.deepcopy(task.meters)
            for meter in meters:
                meter.sync_state()  # all ranks take part
            states = [meter.get_classy_state() for meter in meters]
            task.meters_of_epoch = {"epoch": task.train_phase_idx, "states": states}

    def on_phase_end(self, task: Any) -> None:
        task.meters_of_epoch = None
