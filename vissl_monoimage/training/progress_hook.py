"""Progress of a run on the console: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

from classy_vision.hooks import ClassyHook
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from vissl_monoimage.utils.distributed import is_primary
from vissl_monoimage.utils.progress import SECONDS_BETWEEN_LINES


class ProgressHook(ClassyHook):
    """Print epoch, step, loss, learning rate and time left of a run, on the primary rank.

    The time left counts training steps only and uses the mean step of this process: steps that a resumed run found done
    do not make it look fast.
    """

    on_phase_start = ClassyHook._noop

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progress | None = None
        self._began = self._last_line = 0.0
        self._first_iteration = 0
        self._status = ""

    def on_start(self, task: Any) -> None:
        if not is_primary():
            return
        self._began = self._last_line = time.monotonic()
        self._first_iteration = task.iteration
        if task.iteration:
            print(f"resumed at step {task.iteration} of {task.max_iteration}", flush=True)
        if sys.stdout.isatty():
            columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[status]}")]
            self._bar = Progress(*columns, console=Console(), transient=True)
            self._bar.add_task("training", total=task.max_iteration, status="")
            self._bar.start()

    def on_step(self, task: Any) -> None:
        """Show a step of a training or test phase, which the trainer has counted already."""
        if not is_primary():
            return
        self._status = self._describe(task)
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=task.iteration, status=self._status)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            print(self._status, flush=True)

    def on_phase_end(self, task: Any) -> None:
        if is_primary():
            print(f"{self._status}{_meters(task)}", flush=True)

    def on_end(self, task: Any) -> None:
        self._stop()

    def on_exception(self, task: Any) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _describe(self, task: Any) -> str:
        loss = f"loss {float(task.last_batch.loss):.4f}"
        if not task.train:
            when = f" after epoch {task.train_phase_idx + 1}" if task.train_phase_idx >= 0 else ""
            return f"test{when}, batch {len(task.losses)}, {loss}"
        done = task.iteration - self._first_iteration
        seconds = (time.monotonic() - self._began) / max(1, done) * (task.max_iteration - task.iteration)
        return (
            f"epoch {task.train_phase_idx + 1}/{task.num_train_phases}, "
            f"step {task.iteration}/{task.max_iteration}, {loss}, lr {_learning_rate(task)}, "
            f"{timedelta(seconds=round(seconds))} left"
        )


def _learning_rate(task: Any) -> str:
    rates = task.optimizer.options_view.lr
    rates = rates if isinstance(rates, (list, set, tuple)) else [rates]
    return "/".join(f"{rate:.3g}" for rate in sorted(set(rates), reverse=True))


def _meters(task: Any) -> str:
    """Return the first meter's first k in percent, a value for each head: `, top_1 61.2 60.3 58.8`."""
    if task.train and not task.config["METERS"]["enable_training_meter"]:
        return ""
    parts = []
    for meter in task.meters:
        for name, values in meter.value.items():
            listed = values.values() if isinstance(values, dict) else [values]
            parts.append(f"{name} {' '.join(f'{float(value):.1f}' for value in listed)}")
    return "".join(f", {part}" for part in parts[:1])
