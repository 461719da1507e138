"""What `config.MONOIMAGE.SOURCE.RENDERER: torch` asks of a configuration, checked before a run starts."""

from __future__ import annotations

from collections.abc import Iterator

from classy_vision.tasks import TASK_REGISTRY
from vissl.trainer.train_task import SelfSupervisionTask

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.data.crops.recipe import WHERE
from vissl_monoimage.data.crops.settings import OPENCV, TORCH, read_source_block
from vissl_monoimage.data.single_image_vissl import NAME
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.training.rendered_batches import read_row_transforms

_COLLATORS = ("default_collate", "four_rotations_collator")
_CHOICE = f"{WHERE}.RENDERER={TORCH}"


@register_check
def check_renderer(config: Settings) -> Iterator[str]:
    """Refuse tasks, sources, collators and transforms that cannot have batches rendered on the device."""
    block = read_source_block(monoimage_block(config).get("SOURCE"))
    if block.RENDERER != TORCH:
        return
    task = config["TRAINER"]["TASK_NAME"]
    kind = TASK_REGISTRY.get(task)  # ours takes the place of VISSL's own
    if kind is not SelfSupervisionTask and not getattr(kind, "renders_batches", False):
        yield f"{_CHOICE} is for pretrainings, not for config.TRAINER.TASK_NAME={task}: RENDERER={OPENCV}"
        return
    for split in ("TRAIN", "TEST"):
        data, where = config["DATA"][split], f"config.DATA.{split}"
        if NAME not in data["DATA_SOURCES"]:
            continue
        if data["DATA_SOURCES"] != [NAME] or data["INPUT_KEY_NAMES"] != ["data"]:
            yield f"{_CHOICE} needs {where}.DATA_SOURCES=[{NAME}] alone, and INPUT_KEY_NAMES=[data]"
        if data["COLLATE_FUNCTION"] not in _COLLATORS:
            collator = data["COLLATE_FUNCTION"]
            yield f"{_CHOICE} needs {where}.COLLATE_FUNCTION to be {' or '.join(_COLLATORS)}, not {collator}"
        try:
            read_row_transforms(block.SIZE, data["TRANSFORMS"], data["COLLATE_FUNCTION"])
        except MonoImageError as error:
            yield f"{_CHOICE} does not fit {where}.TRANSFORMS: {error}, or RENDERER={OPENCV}"
