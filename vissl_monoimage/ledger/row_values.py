"""What is wrong inside the fields of a ledger row: a damaged row is named when it is read, not when it is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def text_problems(value: Any) -> Iterator[str]:
    """Yield a sentence for each text in plain containers that no file or page could hold."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            yield f"{value!r} has characters that are no text"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from text_problems(key)
            yield from text_problems(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from text_problems(inner)


def accuracy_problems(accuracies: Mapping[str, Any], pretext: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each accuracy that is no percentage."""
    for layer, scores in accuracies.items():
        if not isinstance(scores, Mapping) or not all(map(_is_percentage, scores.values())):
            yield f"accuracies: {layer} must map top_k to percentages, not {scores!r}"
    if "top_1" in pretext and not _is_percentage(pretext["top_1"]):
        yield f"pretext: top_1 must be a percentage, not {pretext['top_1']!r}"


def transfer_problems(pretext: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence where `transfer`, which rows may lack, does not map sets of images to named numbers."""
    sets = pretext.get("transfer", {})
    if not isinstance(sets, Mapping):
        yield f"pretext: transfer must map sets of images to numbers, not {sets!r:.60}"
        return
    for name, numbers in sets.items():
        if not isinstance(numbers, Mapping) or not all(map(_is_number, numbers.values())):
            yield f"pretext: transfer: {name} must map names to numbers, not {numbers!r:.60}"


def loss_problems(losses: Sequence[Any]) -> Iterator[str]:
    """Yield a sentence if the losses are not pairs [iteration, loss or null]."""
    for point in losses:
        pair = isinstance(point, list) and len(point) == 2
        if not pair or type(point[0]) is not int or not (point[1] is None or _is_number(point[1])):
            yield f"losses must be pairs [iteration, loss or null], not {point!r:.60}"
            return
        if abs(point[0]) > sys.maxsize:
            yield f"losses: {str(point[0])[:20]}... is no iteration"
            return


def image_problems(images: Sequence[Any], recipe: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for images without name and hash, and for a recipe whose name or seed is none."""
    for image in images:
        texts = [image.get(key) for key in ("name", "sha256")] if isinstance(image, Mapping) else [None]
        if not all(isinstance(text, str) for text in texts) or not isinstance(image.get("path", ""), str):
            yield f"images must be mappings with the texts name, path and sha256, not {image!r:.100}"
            return
    for key, kind in {"name": str, "seed": int}.items():
        if key in recipe and type(recipe[key]) is not kind:
            yield f"recipe: {key}={recipe[key]!r} must be {'a name' if kind is str else 'a whole number'}"


def _is_percentage(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 100


def _is_number(value: Any) -> bool:
    """Return whether a value is a number that floats can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max
