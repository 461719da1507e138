"""Training a whole network on labels, starting from the weights of a checkpoint."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import ClassVar

from classy_vision.hooks import ClassyHook
from classy_vision.tasks import register_task
from torch import nn
from vissl.config import AttrDict

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings
from vissl_monoimage.errors import unknown
from vissl_monoimage.models import features as trunks
from vissl_monoimage.models.checkpoint.validate import weights_problems
from vissl_monoimage.probe.data_deviations import DataDeviationsHook
from vissl_monoimage.probe.deviations import record_deviations
from vissl_monoimage.probe.protocols import get_protocol
from vissl_monoimage.training.task import MonoImageTask


@register_task("finetune_task")
class FinetuneTask(MonoImageTask):
    """Our training task under a named protocol; its trunk starts from all of a checkpoint's weights, or refuses.

    VISSL's own loading goes on with random weights where a checkpoint lacks a tensor.
    """

    requires_all_weights: ClassVar[bool] = True
    renders_batches: ClassVar[bool] = False

    def __init__(self, config: AttrDict) -> None:
        record_deviations(config)
        super().__init__(config)

    def set_hooks(self, hooks: list[ClassyHook]) -> None:
        super().set_hooks([*hooks, DataDeviationsHook()])

    @classmethod
    def check(cls, config: Settings) -> Iterator[str]:
        get_protocol(monoimage_block(config).get("PROTOCOL", ""))
        model = AttrDict(copy.deepcopy(config["MODEL"]))
        trunk = trunks.build_on_meta(model)
        yield from _head_problems(model, trunk)
        yield from weights_problems(model, require_all=cls.requires_all_weights)


def _head_problems(model: AttrDict, trunk: nn.Module) -> Iterator[str]:
    """Yield a sentence where the trunk lacks the layer that the head reads, or the layer has another size."""
    layer, (_, head) = model.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP[0][0], model.HEAD.PARAMS[0]
    names = trunks.feature_names(trunk)
    if layer not in names:
        yield f"LINEAR_EVAL_FEAT_POOL_OPS_MAP: {unknown('layer', layer, names)}"
        return
    shape = trunks.feature_shapes(trunk, [layer], trunks.input_size(trunk))[layer]
    if "dims" in head and head["dims"][0] != math.prod(shape):
        yield (
            f"config.MODEL.HEAD.PARAMS: dims[0]={head['dims'][0]}, but {layer} of trunk '{model.TRUNK.NAME}' has "
            f"{' x '.join(map(str, shape))} = {math.prod(shape)} values"
        )
