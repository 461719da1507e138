"""What is seen of a BiGAN while it trains: its numbers in logs and curves, and a warning where it collapses."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from classy_vision.hooks import ClassyHook

from vissl_monoimage.pretext.bigan.artifacts import PLAYERS_FILE as FILE_NAME
from vissl_monoimage.pretext.bigan.optimizers import DISCRIMINATOR, ENCODER_GENERATOR, RATES
from vissl_monoimage.pretext.bigan.train_step import reconstruction
from vissl_monoimage.utils import jsonl
from vissl_monoimage.utils.distributed import is_primary

PATIENCE = 500
"""Steps that a bad sign must last before it is told: early on every generator draws one grey image."""
_LEAST_SPREAD = 0.02


class MonitorHook(ClassyHook):
    """Each player's loss and gradient norm, and the reconstruction error x -> E -> G, every LOG_FREQUENCY steps.

    Beside it stands the error against another image (`mismatch_error`), which it falls below as E learns to invert G.

    They go to VISSL's log, to TensorBoard where its hook is on, and to players.jsonl in the run's folder, a line
    a look, from the primary rank. A collapse is told once on stderr and in the log.
    """

    on_phase_start = ClassyHook._noop
    on_step = ClassyHook._noop
    on_phase_end = ClassyHook._noop
    on_end = ClassyHook._noop

    def __init__(self) -> None:
        super().__init__()
        self._signs = {
            "one_image": Lasting(PATIENCE),
            "always_right": Lasting(PATIENCE),
            "always_wrong": Lasting(PATIENCE),
        }
        self._told = False

    def on_start(self, task: Any) -> None:
        """Keep the lines up to the checkpoint at which the run resumes."""
        if is_primary():
            jsonl.cut(_path(task), lambda values: values["step"] <= task.iteration)

    def on_update(self, task: Any) -> None:
        """After every training step; the trainer counts it later."""
        step = task.iteration + 1
        if not is_primary() or not (step % task.config["LOG_FREQUENCY"] == 0 or step == 1):
            return
        seen = look(task)
        jsonl.append(_path(task), {"step": step, **seen})
        logging.info("; ".join([f"step {step}", *(f"{name} {value:.4g}" for name, value in seen.items())]))
        for hook in task.hooks:
            if writer := getattr(hook, "tb_writer", None):
                for name, value in seen.items():
                    writer.add_scalar(tag=f"BiGAN/{name}", scalar_value=value, global_step=step)
        self._watch(task, step, seen)

    def _watch(self, task: Any, step: int, seen: dict[str, float]) -> None:
        right = seen[f"{DISCRIMINATOR}_accuracy"]
        judged = task.loss.config.objective == "cross_entropy"  # a Wasserstein critic may always be right
        signs = {
            "one_image": seen["spread"] < _LEAST_SPREAD,
            "always_right": judged and right == 1.0,
            "always_wrong": judged and right == 0.0,
        }
        lasting = [name for name, shown in signs.items() if self._signs[name].seen(step, shown)]
        if lasting and not self._told:
            self._told = True
            text = f"step {step}: {_WORDS[lasting[0]]} for {PATIENCE} steps: {_REMEDY}"
            logging.warning(text)
            print(text, file=sys.stderr, flush=True)


_WORDS = {
    "one_image": f"the generator has drawn one image (with less than {_LEAST_SPREAD:.0%} of the photo's variance)",
    "always_right": "the discriminator has told all pairs apart",
    "always_wrong": "the discriminator has been wrong about all pairs",
}
_REMEDY = (
    "the game has collapsed and will hardly recover; lower the winner's learning rate "
    f"({', '.join(RATES.values())}), raise the loser's, or take another config.SEED_VALUE. The run goes on."
)


class Lasting:
    """Whether something has been so at every look for `patience` steps."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self._since: int | None = None

    def seen(self, step: int, shown: bool) -> bool:
        """Tell it what this step shows."""
        if not shown:
            self._since = None
            return False
        if self._since is None:
            self._since = step
        return step - self._since >= self.patience


def look(task: Any) -> dict[str, float]:
    """What the step measured, and what is only worth its cost now and then."""
    pairs = task.last_batch.pairs
    return {
        **task.last_batch.measured,
        f"{DISCRIMINATOR}_gradient_norm": task.optimizer[DISCRIMINATOR].gradient_norm(),
        f"{ENCODER_GENERATOR}_gradient_norm": task.optimizer[ENCODER_GENERATOR].gradient_norm(),
        **reconstruction(task, pairs),
        "spread": float(pairs.generated.var(0).mean() / pairs.images.var(0).mean().clamp(min=1e-12)),
    }


def _path(task: Any) -> Path:
    return Path(task.checkpoint_folder, FILE_NAME)
