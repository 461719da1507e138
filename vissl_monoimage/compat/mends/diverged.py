"""Mend: a training that diverged says so."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.errors import MonoImageError


@MENDS.after("vissl.hooks.state_update_hooks")
def not_finite(hooks: ModuleType) -> None:
    """Symptom: NaN and infinite outputs end a run in "AttributeError: 'CheckNanModelOutputHook' object has no
    attribute '_checkpoint_model'", which only VISSL's log hook has, and such a loss in a bare FloatingPointError
    (both vissl/hooks/state_update_hooks.py). Here a sentence ends it, and those weights are not saved.

    Guard: a hook that has the method keeps it; a loss hook that does not raise is as it was.
    """
    if not hasattr(hooks.CheckNanModelOutputHook, "_checkpoint_model"):
        hooks.CheckNanModelOutputHook._checkpoint_model = lambda hook, task, **_: _tell("output", task)
    checked = hooks.CheckNanLossHook.on_loss_and_meter

    def on_loss_and_meter(hook: Any, task: Any) -> None:
        try:
            checked(hook, task)
        except FloatingPointError:
            _tell("loss", task)

    hooks.CheckNanLossHook.on_loss_and_meter = on_loss_and_meter


def _tell(what: str, task: Any) -> None:
    raise MonoImageError(
        f"step {task.iteration + 1}: the network's {what} is NaN or infinite. Lower the learning rate "
        "(config.OPTIMIZER.param_schedulers.lr) and begin in another config.CHECKPOINT.DIR, or look at the weights it "
        "began with (config.MODEL.WEIGHTS_INIT)"
    )
