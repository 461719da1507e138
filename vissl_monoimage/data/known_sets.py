"""Published data sets whose names promise a number of classes and of images."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class KnownSet:
    """The size of a published data set.

    Attributes:
        title: its name as its authors write it.
        classes: number of classes.
        images: number of images by split, "TRAIN" and "TEST" (the validation images where the test labels are secret).
    """

    title: str
    classes: int
    images: dict[str, int]


KNOWN_SETS = {
    "cifar10": KnownSet("CIFAR-10", 10, {"TRAIN": 50_000, "TEST": 10_000}),
    "cifar100": KnownSet("CIFAR-100", 100, {"TRAIN": 50_000, "TEST": 10_000}),
    "imagenet1k": KnownSet("ImageNet-1k", 1000, {"TRAIN": 1_281_167, "TEST": 50_000}),
    "places205": KnownSet("Places205", 205, {"TRAIN": 2_448_873, "TEST": 20_500}),
    "tinyimagenet": KnownSet("Tiny ImageNet", 200, {"TRAIN": 100_000, "TEST": 10_000}),
}


def known_set(name: str) -> KnownSet | None:
    """Return the published data set of this name, None for a name that is nobody's.

    Args:
        name: as in DATASET_NAMES or `--data`. Case, hyphens and underscores do not count, nor do VISSL's suffixes
            `_folder` and `_filelist`, nor the 200 of tiny-imagenet-200.
    """
    plain = re.sub(r"[^a-z0-9]", "", re.sub(r"_(folder|filelist)$", "", name.lower()))
    return KNOWN_SETS.get(plain.removesuffix("200") if plain.startswith("tiny") else plain)


def unlike(known: KnownSet, split: str, classes: int | None, images: int | None) -> Iterator[str]:
    """Yield why data are neither `known` nor a part of it.

    Args:
        known: the data set that the data are called.
        split: "TRAIN" or "TEST".
        classes: number of classes that have images; None where it is not known.
        images: number of images; None where it is not known.
    """
    fewer = classes is not None and classes < known.classes and split == "TRAIN"
    if classes is not None and (fewer or classes > known.classes):
        yield f"has {classes} classes, and {known.title} has {known.classes}"
    if images is not None and images > known.images[split]:
        yield f"has more than the {known.images[split]:,} images of {known.title}"
