"""Learning rates that VISSL's auto_lr_scaling puts in place of the stated ones, without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_RATES = ("value", "values", "base_value", "start_value", "end_value")
_WHERE = "config.OPTIMIZER.param_schedulers"


def replaced_rates(stated: Mapping[str, Any], used: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each schedule whose learning rates VISSL has replaced.

    Args:
        stated: `config.OPTIMIZER.param_schedulers` as it was composed.
        used: the same after VISSL has completed it.
    """
    for name in ("lr", "lr_head"):
        before, after = stated.get(name) or {}, used.get(name) or {}
        if name == "lr_head" and not before.get("use_different_values"):
            continue  # VISSL copies lr
        changes = list(_changes(before, after))
        if changes:
            scaling = before.get("auto_lr_scaling") or {}
            base, batch = scaling.get("base_value"), scaling.get("base_lr_batch_size")
            yield (
                f"{_WHERE}.{name}: {'; '.join(changes)}, for auto_lr_scaling.auto_scale=true scales base_value={base} "
                f"from a batch of {batch} to this run's. To train with the stated rates: "
                f"{_WHERE}.{name}.auto_lr_scaling.auto_scale=false"
            )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in _RATES:
        if key in before and _spelled(before[key]) != _spelled(after.get(key)):
            yield f"{key}={_spelled(before[key])} is replaced by {_spelled(after.get(key))}"
    parts = zip(before.get("schedulers") or [], after.get("schedulers") or [], strict=False)
    for part, replaced in parts:
        yield from _changes(part, replaced)


def _spelled(rates: Any) -> str:
    if isinstance(rates, (list, tuple)):
        return f"[{', '.join(map(_spelled, rates))}]"
    return f"{rates:.6g}" if isinstance(rates, (int, float)) else str(rates)
