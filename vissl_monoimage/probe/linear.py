"""The probe's task: our training task, with heads and meters written to fit the trunk."""

from __future__ import annotations

from typing import Any, ClassVar

from classy_vision.hooks import ClassyHook
from classy_vision.tasks import register_task
from vissl.config import AttrDict

from vissl_monoimage.config.access import monoimage_block
from vissl_monoimage.config.checks import Settings
from vissl_monoimage.models import checkpoint as loading
from vissl_monoimage.probe.configure import prepare
from vissl_monoimage.probe.feature_cache import FeatureCacheHook
from vissl_monoimage.probe.validate import problems_with
from vissl_monoimage.training.progress_hook import ProgressHook
from vissl_monoimage.training.task import MonoImageTask


@register_task("probe_task")
class ProbeTask(MonoImageTask):
    """Linear probes on every convolution of a frozen trunk; one YAML serves all trunks (see `prepare`).

    With `config.MONOIMAGE.CACHE_FEATURES: true` the trunk runs once over the data (see `cache`).
    """

    hooks: list[ClassyHook]
    head: ClassVar[str | None] = None  # the kind of head this task is for; None: what the config says

    def __init__(self, config: AttrDict) -> None:
        prepare(config, self.head)
        super().__init__(config)

    def set_hooks(self, hooks: list[ClassyHook]) -> None:
        """The cache is filled after the ledger's clock has started and before that of the time left."""
        super().set_hooks(hooks)
        if self.config.MONOIMAGE.get("CACHE_FEATURES"):
            progress = [hook for hook in self.hooks if isinstance(hook, ProgressHook)]
            others = [hook for hook in self.hooks if hook not in progress]
            self.hooks = [*others, self.cache_hook(), *progress]

    def cache_hook(self) -> ClassyHook:
        """What runs the trunk, when the run starts."""
        return FeatureCacheHook()

    @classmethod
    def check(cls, config: Settings) -> list[str]:
        return problems_with(config) if monoimage_block(config).get("CACHE_FEATURES") else []

    def _restore_model_weights(self, model: Any) -> Any:
        """Read the checkpoint on every rank: VISSL's broadcast of it costs seconds even in one process."""
        path = self.config.MODEL.WEIGHTS_INIT.PARAMS_FILE
        model.init_model_from_weights_params_file(self.config, loading.read_checkpoint(path))
        return model
