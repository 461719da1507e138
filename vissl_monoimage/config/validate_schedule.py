"""The number of epochs and the schedules of a configuration, which VISSL looks at only while it trains."""

from __future__ import annotations

from collections.abc import Iterator

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.errors import unknown


def check_schedule(config: Settings) -> Iterator[str]:
    """Refuse unknown schedules, no epochs, and a milestone after the last epoch, at which VISSL stops at the end."""
    optimizer = config["OPTIMIZER"]
    yield from _unknown_schedules(optimizer, "config.OPTIMIZER")
    rates, epochs = optimizer["param_schedulers"]["lr"], optimizer["num_epochs"]
    milestones = rates.get("milestones") or []
    if rates.get("name") == "multistep" and milestones and max(milestones) >= epochs:
        yield (
            f"config.OPTIMIZER.param_schedulers.lr: milestone {max(milestones)} is not before the end at epoch "
            f"{epochs} (config.OPTIMIZER.num_epochs); drop it together with the last of its values"
        )


def _unknown_schedules(settings: Settings, where: str) -> Iterator[str]:
    """Yield unknown names of schedules, those inside composite ones and of a second optimizer included."""
    from classy_vision.optim.param_scheduler import PARAM_SCHEDULER_REGISTRY

    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _unknown_schedules(value, f"{where}.{key}")
        if key != "param_schedulers":
            continue
        for rate, schedule in value.items():
            for part in [schedule, *(schedule.get("schedulers") or [])]:
                if part.get("name", "constant") not in PARAM_SCHEDULER_REGISTRY:
                    yield unknown(f"schedule ({where}.{key}.{rate})", part["name"], PARAM_SCHEDULER_REGISTRY)
