"""Images of a batch must have one size; torch says which two differ, but not of which files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from vissl.data.collators import COLLATOR_REGISTRY

from vissl_monoimage.data.disk_images_vissl import DiskImages
from vissl_monoimage.data.photo_order import source_indices
from vissl_monoimage.errors import MonoImageError


def check_shapes(dataset: Any, indices: Sequence[int], samples: Sequence[dict[str, Any]]) -> None:
    """Refuse samples that cannot be stacked, naming two of them.

    Args:
        dataset: a data set of VISSL's.
        indices: of the samples in it.
        samples: of one batch, as it gives them: "data" has an image, or a list of its views, for each source.

    Raises:
        MonoImageError: images of one source have different shapes after the transforms.
    """
    if not _stacks(dataset.cfg["DATA"][dataset.split].get("COLLATE_FUNCTION", "")):
        return
    for number, source in enumerate(dataset.data_objs):
        shapes = [getattr(sample["data"][number], "shape", None) for sample in samples]
        other = next((place for place, shape in enumerate(shapes) if shape != shapes[0]), None)
        if other is not None and all(isinstance(shape, torch.Size) for shape in shapes):
            first, second = source_indices(dataset, np.array([indices[0], indices[other]])).tolist()
            raise MonoImageError(
                f"{_name(source, first)} is {_size(shapes[0])} after config.DATA.{dataset.split}.TRANSFORMS, and "
                f"{_name(source, second)} is {_size(shapes[other])}: images of a batch need one size, by a transform "
                "such as {name: RandomResizedCrop, size: 224}, or Resize and CenterCrop"
            )


def _stacks(collator: str) -> bool:
    """Whether this is one of VISSL's collators, all of which stack images."""
    registered = COLLATOR_REGISTRY.get(collator)
    return registered is None or registered.__module__.partition(".")[0] in ("vissl", "vissl_monoimage")


def _name(source: Any, index: int) -> str:
    return source.image_path(index) if isinstance(source, DiskImages) else f"image {index}"


def _size(shape: Any) -> str:
    return "x".join(map(str, reversed(shape[-2:]))) + " px"
