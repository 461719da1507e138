"""Training a whole network on labels, from a checkpoint's weights on."""

from __future__ import annotations

from typing import Any

from classy_vision.tasks import register_task
from vissl.config import AttrDict

from vissl_monoimage.probe import loading
from vissl_monoimage.probe.departures import note_departures
from vissl_monoimage.task import MonoImageTask


@register_task("finetune_task")
class FinetuneTask(MonoImageTask):
    """Our training task under a named protocol, whose trunk starts from all of a checkpoint's weights or refuses.

    VISSL's own loading leaves what a checkpoint lacks at random and goes on.
    """

    def __init__(self, config: AttrDict) -> None:
        note_departures(config)
        super().__init__(config)

    def _restore_model_weights(self, model: Any) -> Any:
        path = self.config.MODEL.WEIGHTS_INIT.PARAMS_FILE
        loading.fill(model.trunk, self.config.MODEL.TRUNK.NAME, loading.read_checkpoint(path), path)
        return model
