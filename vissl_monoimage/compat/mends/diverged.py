"""A training that diverges ends with one sentence."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NoReturn

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import original, replace
from vissl_monoimage.errors import MonoImageError


@MENDS.after("vissl.hooks.state_update_hooks")
def not_finite(hooks: ModuleType) -> None:
    """`AttributeError: 'CheckNanModelOutputHook' object has no attribute '_checkpoint_model'`, `FloatingPointError`.

    NaN and infinite outputs and losses end a run so in vissl/hooks/state_update_hooks.py: only VISSL's log hook has
    that method. Here one sentence ends it, and those weights are not saved.
    Guard: a hook that has the method keeps it; a loss hook that does not raise is left as it is.
    """
    if not hasattr(hooks.CheckNanModelOutputHook, "_checkpoint_model"):
        hooks.CheckNanModelOutputHook._checkpoint_model = lambda hook, task, **_: _refuse("output", task)
    check = original(hooks.CheckNanLossHook, "on_loss_and_meter")

    def on_loss_and_meter(hook: Any, task: Any) -> None:
        try:
            check(hook, task)
        except FloatingPointError:
            _refuse("loss", task)

    replace(hooks.CheckNanLossHook, "on_loss_and_meter", on_loss_and_meter)


def _refuse(what: str, task: Any) -> NoReturn:
    raise MonoImageError(
        f"step {task.iteration + 1}: the network's {what} is NaN or infinite. Lower the learning rate "
        "(config.OPTIMIZER.param_schedulers.lr) and begin in another config.CHECKPOINT.DIR, or look at the weights it "
        "began with (config.MODEL.WEIGHTS_INIT)"
    )
