"""Transforms that are done for a whole batch at once, with the same tensors as one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vissl.data.collators import COLLATOR_REGISTRY

_BY_PIXEL = {"ToTensor": {"name"}, "Normalize": {"name", "mean", "std", "inplace"}}
"""Transforms that do the same to each pixel, by their keys in a configuration; with others they may differ by view."""


def without_batched(transforms: Sequence[Mapping[str, Any]], collator: str) -> list[Mapping[str, Any]]:
    """Return the transforms without the one that the collator does itself, if only by-pixel ones follow it.

    So an image is made a tensor once, and not once for each of its copies. Such a collator has an attribute `batched`,
    the name of the transform; it only copies and moves pixels, so that it may as well be the last.

    Args:
        transforms: a list of TRANSFORMS, as in a configuration.
        collator: the COLLATE_FUNCTION beside it.
    """
    name = getattr(COLLATOR_REGISTRY.get(collator), "batched", None)
    places = [place for place, transform in enumerate(transforms) if transform["name"] == name]
    if len(places) != 1 or transforms[places[0]] != {"name": name}:
        return list(transforms)
    before, after = transforms[: places[0]], transforms[places[0] + 1 :]
    tensor = any(transform["name"] == "ToTensor" for transform in after)
    return [*before, *after] if tensor and all(map(_by_pixel, after)) else list(transforms)


def split_by_pixel(
    transforms: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the transforms before the last `ToTensor`, and that one and those after it if they are by-pixel ones.

    The second list is empty if there is no such `ToTensor`.
    """
    last = max((place for place, transform in enumerate(transforms) if transform["name"] == "ToTensor"), default=None)
    if last is None or not all(map(_by_pixel, transforms[last:])):
        return list(transforms), []
    return list(transforms[:last]), list(transforms[last:])


def _by_pixel(transform: Mapping[str, Any]) -> bool:
    return set(transform) <= _BY_PIXEL.get(transform["name"], set())
