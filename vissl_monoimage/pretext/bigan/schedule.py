"""The exponential schedule of BiGAN's authors, for which Classy Vision has no name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classy_vision.optim.param_scheduler import ClassyParamScheduler, UpdateInterval, register_param_scheduler
from fvcore.common.param_scheduler import ExponentialParamScheduler


@register_param_scheduler("exponential")
class Exponential(ExponentialParamScheduler, ClassyParamScheduler):
    """start_value * decay^where, `where` going from 0 to 1 over the training; fvcore's schedule, registered."""

    def __init__(self, start_value: float, decay: float, update_interval: UpdateInterval = UpdateInterval.STEP) -> None:
        ExponentialParamScheduler.__init__(self, start_value, decay)
        self.update_interval = update_interval

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Exponential:
        """Build it from start_value, decay and update_interval ("step", the default, or "epoch")."""
        interval = UpdateInterval.from_config(dict(config), UpdateInterval.STEP)
        return cls(config["start_value"], config["decay"], interval)
