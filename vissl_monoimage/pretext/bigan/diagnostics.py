"""Diagnostics of a BiGAN while it trains: its numbers in logs and curves, and a warning where it collapses."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from classy_vision.hooks import ClassyHook

from vissl_monoimage.pretext.bigan.artifacts import PLAYERS_FILE
from vissl_monoimage.pretext.bigan.measure import reconstruction
from vissl_monoimage.pretext.bigan.optimizers import DISCRIMINATOR, ENCODER_GENERATOR, RATES
from vissl_monoimage.utils import jsonl
from vissl_monoimage.utils.distributed import is_primary

PATIENCE = 500
"""Steps that a symptom must last before it is reported: every generator draws one grey image at first."""
_LEAST_SPREAD = 0.02


class DiagnosticsHook(ClassyHook):
    """Each player's loss and gradient norm, and the reconstruction error x -> E -> G, every LOG_FREQUENCY steps.

    Beside it stands the error against another image (`mismatch_error`), below which it falls as E learns to invert G.

    The primary rank writes them to VISSL's log, to TensorBoard where its hook is on, and to players.jsonl in the run's
    folder, one line each time. A collapse is reported once, on stderr and in the log.
    """

    on_phase_start = ClassyHook._noop
    on_step = ClassyHook._noop
    on_phase_end = ClassyHook._noop
    on_end = ClassyHook._noop

    def __init__(self) -> None:
        super().__init__()
        self._symptoms = {name: Persistent(PATIENCE) for name in _SYMPTOMS}
        self._reported = False

    def on_start(self, task: Any) -> None:
        """Drop the lines after the checkpoint that a resumed run starts from."""
        if is_primary():
            jsonl.cut(_path(task), lambda line: line["step"] <= task.iteration)

    def on_update(self, task: Any) -> None:
        """Measure after a training step, which the trainer counts only later."""
        step = task.iteration + 1
        if not is_primary() or not (step % task.config["LOG_FREQUENCY"] == 0 or step == 1):
            return
        numbers = measure(task)
        jsonl.append(_path(task), {"step": step, **numbers})
        logging.info("; ".join([f"step {step}", *(f"{name} {value:.4g}" for name, value in numbers.items())]))
        for hook in task.hooks:
            if writer := getattr(hook, "tb_writer", None):
                for name, value in numbers.items():
                    writer.add_scalar(tag=f"BiGAN/{name}", scalar_value=value, global_step=step)
        self._warn_of_collapse(task, step, numbers)

    def _warn_of_collapse(self, task: Any, step: int, numbers: dict[str, float]) -> None:
        accuracy = numbers[f"{DISCRIMINATOR}_accuracy"]
        judged = task.loss.config.objective == "cross_entropy"  # a Wasserstein critic may always be right
        shown = {
            "one_image": numbers["spread"] < _LEAST_SPREAD,
            "always_right": judged and accuracy == 1.0,
            "always_wrong": judged and accuracy == 0.0,
        }
        persistent = [name for name, symptom in self._symptoms.items() if symptom.observe(step, shown[name])]
        if persistent and not self._reported:
            self._reported = True
            text = f"step {step}: {_SYMPTOMS[persistent[0]]} for {PATIENCE} steps: {_REMEDY}"
            logging.warning(text)
            print(text, file=sys.stderr, flush=True)


_SYMPTOMS = {
    "one_image": f"the generator has drawn one image (with less than {_LEAST_SPREAD:.0%} of the photo's variance)",
    "always_right": "the discriminator has told all pairs apart",
    "always_wrong": "the discriminator has been wrong about all pairs",
}
_REMEDY = (
    "the game has collapsed and is unlikely to recover; lower the winner's learning rate "
    f"({', '.join(RATES.values())}), raise the loser's, or take another config.SEED_VALUE. The run goes on."
)


class Persistent:
    """Whether a symptom has shown at every observation for `patience` steps."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self._since: int | None = None

    def observe(self, step: int, shown: bool) -> bool:
        """Take an observation, and return whether the symptom has lasted long enough."""
        if not shown:
            self._since = None
            return False
        if self._since is None:
            self._since = step
        return step - self._since >= self.patience


def measure(task: Any) -> dict[str, float]:
    """Return what the step measured, and what is worth its cost only now and then."""
    pairs = task.last_batch.pairs
    return {
        **task.last_batch.measured,
        f"{DISCRIMINATOR}_gradient_norm": task.optimizer[DISCRIMINATOR].gradient_norm(),
        f"{ENCODER_GENERATOR}_gradient_norm": task.optimizer[ENCODER_GENERATOR].gradient_norm(),
        **reconstruction(task, pairs),
        "spread": float(pairs.generated.var(0).mean() / pairs.images.var(0).mean().clamp(min=1e-12)),
    }


def _path(task: Any) -> Path:
    return Path(task.checkpoint_folder, PLAYERS_FILE)
