"""A training that diverges ends with one sentence, and its last good checkpoint stays the latest."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any, NoReturn

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import edit, original, replace
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


@MENDS.after("vissl.hooks.log_hooks")
def finite_checkpoints(hooks: ModuleType) -> None:
    """The weights of a training that has diverged become the latest checkpoint: vissl/hooks/log_hooks.py.

    It saves them as soon as an output is not finite, beside two files for debugging, and at the end of an epoch whose
    last step they come from. Here such weights end the run. Outputs are left to the hook of `not_finite`: where
    HOOKS.CHECK_NAN is false, nothing looks at them, and the run ends at its next checkpoint.
    Guard: the weights are finite.
    """
    from classy_vision.hooks import ClassyHook

    hooks.refuse_diverged = refuse_diverged  # type: ignore[attr-defined]
    hooks.LogLossMetricsCheckpointHook.on_forward = ClassyHook._noop
    due = r"(\n *)(if task\.train and \(is_final_train_phase or is_checkpointing_phase\):)"
    edit(hooks.LogLossMetricsCheckpointHook._checkpoint_model, (due, r"\1\2\1    refuse_diverged(task)"))


def refuse_diverged(task: Any) -> None:
    """Raise an error if a weight or a batch norm's statistic of a model in training is NaN or infinite.

    Other buffers may be infinite, such as the mask of an attention.
    """
    import torch

    model = task.base_model
    statistics = (tensor for name, tensor in model.named_buffers() if name.endswith(("running_mean", "running_var")))
    are_finite = [tensor.isfinite().all() for tensor in itertools.chain(model.parameters(), statistics)]
    if are_finite and not torch.stack(are_finite).all():  # one wait for a GPU
        _refuse("weights", task)


def _refuse(what: str, task: Any) -> NoReturn:
    saved = "these weights are not saved"
    if not task.train:
        place = f"test after epoch {task.train_phase_idx + 1}"
        saved = "a checkpoint that was due after this epoch was saved before the test"
    elif what == "weights":  # looked at after the step
        place = f"after step {task.iteration}"
    else:
        place = f"step {task.iteration + 1}"
    raise MonoImageError(
        f"{place}: the network's {what} {'are' if what == 'weights' else 'is'} NaN or infinite; {saved}. "
        "Lower the learning rate (config.OPTIMIZER.param_schedulers.lr) and begin in another "
        "config.CHECKPOINT.DIR, or look at the weights it began with (config.MODEL.WEIGHTS_INIT)"
    )
