"""The probe's task: our training task, with heads and meters written to fit the trunk."""

from __future__ import annotations

from typing import Any

from classy_vision.tasks import register_task
from vissl.config import AttrDict

from vissl_monoimage.probe import loading
from vissl_monoimage.probe.prepare import prepare
from vissl_monoimage.task import MonoImageTask


@register_task("probe_task")
class ProbeTask(MonoImageTask):
    """Linear probes on every convolution of a frozen trunk; one YAML serves all trunks (see `prepare`)."""

    def __init__(self, config: AttrDict) -> None:
        prepare(config)
        super().__init__(config)

    def _restore_model_weights(self, model: Any) -> Any:
        """Read the checkpoint on every rank: VISSL's broadcast of it costs seconds even in one process."""
        path = self.config.MODEL.WEIGHTS_INIT.PARAMS_FILE
        model.init_model_from_weights_params_file(self.config, loading.read_checkpoint(path))
        return model
