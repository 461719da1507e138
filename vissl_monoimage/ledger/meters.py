"""Numbers from VISSL's meters, as a ledger row holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Scores = dict[str, dict[str, float]]
ACCURACY = "accuracy_list_meter"


def accuracies(meters: Iterable[Any]) -> Scores:
    """Return {layer: {top_k: percent}} from VISSL's accuracy list meter; a head without a layer's name has its number.

    VISSL returns a list where several heads read one layer; these are called conv1#1, conv1#2.
    """
    scores: Scores = {}
    for meter in (meter for meter in meters if meter.name == ACCURACY):
        for top_k, by_layer in meter.value.items():
            for layer, value in by_layer.items():
                several = isinstance(value, list)
                for number, percent in enumerate(value if several else [value], start=1):
                    name = f"{layer}#{number}" if several else str(layer)
                    scores.setdefault(name, {})[top_k] = float(percent)
    return scores


def other_numbers(meters: Iterable[Any]) -> dict[str, float]:
    """Return {name: value} of the numbers of all other meters; of several heads, the first that has it."""
    numbers: dict[str, float] = {}
    for meter in (meter for meter in meters if meter.name != ACCURACY):
        for name, by_head in meter.value.items():
            value = next(iter(by_head.values()), None) if isinstance(by_head, Mapping) else by_head
            if isinstance(value, (int, float)):  # not an array with a value for each class
                numbers.setdefault(str(name), float(value))
    return numbers


def shots_in(accuracies: Mapping[str, Any]) -> list[int]:
    """Return the numbers of shots in the names of layers, `conv1 k=4`; none for probes that are not few-shot."""
    matches = (re.fullmatch(r".* k=(\d+)", layer) for layer in accuracies)
    return sorted({int(match[1]) for match in matches if match})
