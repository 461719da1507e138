"""The check that a run has the labels its loss needs; crops have none of their own."""

from __future__ import annotations

from collections.abc import Iterator

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.single_image_vissl import NAME as SINGLE_IMAGE

SUPERVISED_LOSSES = ("cross_entropy_multiple_output_single_target", "bce_logits_multiple_output_single_target")
"""VISSL's losses that compare the output with a label of the sample."""


@register_check
def check_labels(config: Settings) -> Iterator[str]:
    """Refuse images without labels where the loss needs them."""
    for split, data in splits(config):
        needed = config["LOSS"]["name"] in SUPERVISED_LOSSES and not _makes_labels(config, data)
        if needed and not data["LABEL_SOURCES"]:
            yield _missing(config["LOSS"]["name"], split, SINGLE_IMAGE in data["DATA_SOURCES"])


def _missing(loss: str, split: str, crops: bool) -> str:
    if crops:
        return (
            f"config.LOSS.name={loss} needs a label for every crop, and crops have none: give the clusters.npy that a "
            "deepcluster run on the same crops leaves in its folder, with "
            f"config.DATA.{split}.LABEL_SOURCES=[disk_filelist] config.DATA.{split}.LABEL_PATHS=[clusters.npy]"
        )
    return (
        f"config.LOSS.name={loss} needs a label for every image, and config.DATA.{split}.LABEL_SOURCES=[] is empty: "
        "[disk_folder] for names of folders, [disk_filelist] for a .npy file, [torchvision_dataset] for the set's own"
    )


def _makes_labels(config: Settings, data: Settings) -> bool:
    """Return whether the samples of a split get other labels: by transform, collator, task, or VISSL's LABEL_TYPE."""
    from classy_vision.tasks import TASK_REGISTRY
    from vissl.data.ssl_transforms import ssl_transforms_wrapper

    from vissl_monoimage.compat.private_api import transforms_with_labels

    return (
        data["LABEL_TYPE"] != "standard"
        or data["COLLATE_FUNCTION"] != "default_collate"
        or any(transform["name"] in transforms_with_labels(ssl_transforms_wrapper) for transform in data["TRANSFORMS"])
        or getattr(TASK_REGISTRY.get(config["TRAINER"]["TASK_NAME"]), "makes_labels", False)
    )
