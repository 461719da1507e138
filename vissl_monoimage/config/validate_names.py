"""The names in a configuration that VISSL and Classy Vision look up in their registries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.heads import named_heads
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.errors import unknown

Lookup = tuple[str, str, Iterable[str]]
"""What is named and where, the name, the valid names."""
DEVICES = ("gpu", "cpu")
LABEL_SOURCES = ("disk_filelist", "disk_folder", "synthetic", "torchvision_dataset")
"""Of VISSL, which has no registry of them; the last stands for labels from the data source itself."""


def check_names(config: Settings) -> Iterator[str]:
    """Refuse names that are in no registry, and devices that VISSL would take for the CPU."""
    lookups = [*_model_lookups(config), *_training_lookups(config)]
    for split, data in splits(config):
        lookups += _data_lookups(split, data)
        yield from _unknown_transforms(split, data)
    yield from (unknown(what, name, valid) for what, name, valid in lookups if name not in valid)
    if not isinstance(config["LOSS"].get(loss := config["LOSS"]["name"]), dict):
        yield f"config.LOSS.{loss} must be a mapping with the settings of the loss: +config.LOSS.{loss}={{}} for none"


def _model_lookups(config: Settings) -> Iterator[Lookup]:
    from vissl.models import MODEL_REGISTRY
    from vissl.models.heads import MODEL_HEADS_REGISTRY
    from vissl.models.trunks import MODEL_TRUNKS_REGISTRY

    model = config["MODEL"]
    yield "model (config.MODEL.BASE_MODEL_NAME)", model["BASE_MODEL_NAME"], MODEL_REGISTRY
    yield "trunk (config.MODEL.TRUNK.NAME)", model["TRUNK"]["NAME"], MODEL_TRUNKS_REGISTRY
    for name, _ in named_heads(model["HEAD"]["PARAMS"]):
        yield "head (config.MODEL.HEAD.PARAMS)", name, MODEL_HEADS_REGISTRY


def _training_lookups(config: Settings) -> Iterator[Lookup]:
    from classy_vision.losses import LOSS_REGISTRY
    from classy_vision.meters import METER_REGISTRY
    from classy_vision.optim import OPTIMIZER_REGISTRY
    from classy_vision.tasks import TASK_REGISTRY
    from torch.nn.modules import loss as torch_losses
    from vissl.trainer.train_steps import TRAIN_STEP_REGISTRY

    trainer = config["TRAINER"]
    losses = [*LOSS_REGISTRY, *(name for name in torch_losses.__all__ if name not in LOSS_REGISTRY)]
    yield "device (config.MACHINE.DEVICE)", str(config["MACHINE"]["DEVICE"]), DEVICES
    yield "task (config.TRAINER.TASK_NAME)", trainer["TASK_NAME"], TASK_REGISTRY
    yield "train step (config.TRAINER.TRAIN_STEP_NAME)", trainer["TRAIN_STEP_NAME"], TRAIN_STEP_REGISTRY
    yield "loss (config.LOSS.name)", config["LOSS"]["name"], losses
    yield "optimizer (config.OPTIMIZER.name)", config["OPTIMIZER"]["name"], OPTIMIZER_REGISTRY
    if config["METERS"]["name"]:
        yield "meter (config.METERS.name)", config["METERS"]["name"], METER_REGISTRY


def _data_lookups(split: str, data: Settings) -> Iterator[Lookup]:
    from vissl.data import DATASET_SOURCE_MAP
    from vissl.data.collators import COLLATOR_REGISTRY

    where = f"config.DATA.{split}"
    for source in data["DATA_SOURCES"]:
        yield f"data source ({where}.DATA_SOURCES)", source, DATASET_SOURCE_MAP
    for source in data["LABEL_SOURCES"]:
        yield f"label source ({where}.LABEL_SOURCES)", source, LABEL_SOURCES
    collators = {"default_collate", *COLLATOR_REGISTRY}
    yield f"collator ({where}.COLLATE_FUNCTION)", data["COLLATE_FUNCTION"], collators


def _unknown_transforms(split: str, data: Settings) -> Iterator[str]:
    """Yield the transforms that neither Classy Vision nor torchvision has, in either of the spellings VISSL takes."""
    from classy_vision.dataset.transforms import TRANSFORM_REGISTRY
    from torchvision import transforms

    valid = set(TRANSFORM_REGISTRY) | {name for name in dir(transforms) if name[0].isupper()}
    for transform in data["TRANSFORMS"]:
        name = str(transform.get("name", ""))
        camel = name.title().replace("_", "")
        if "transform_type" not in transform and not {name, camel} & valid:
            yield unknown(f"transform (config.DATA.{split}.TRANSFORMS)", name, valid)
