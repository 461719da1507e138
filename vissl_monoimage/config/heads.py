"""The heads that `config.MODEL.HEAD.PARAMS` lists, as far as they can be read without building them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def named_heads(params: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the `[name, settings]` pairs of HEAD.PARAMS, which may stand in lists of heads that follow each other."""
    for head in params:
        if head and isinstance(head[0], str):
            yield head[0], head[1]
        else:
            yield from named_heads(head)


def stated_outputs(params: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of outputs of each head that states it, once."""
    stated: dict[tuple[str, int], None] = {}
    for name, settings in named_heads(params):
        if isinstance(settings, Mapping):
            outputs = settings.get("num_classes") or (settings.get("dims") or [None])[-1]
            if isinstance(outputs, int):
                stated[name, outputs] = None
    yield from stated
