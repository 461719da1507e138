"""The paper's claim 4: augmentation makes one image enough, scale above all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vissl_monoimage.report.claims.names import enumerate_words, method_name
from vissl_monoimage.report.claims.wording import describe_gain
from vissl_monoimage.report.tables.contrasts import contrast
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.paper_reference import augmentation_of

_NONE, _SCALE, _ALL = "none", "scale", "all"


def judge_augmentations(lines: Sequence[Line]) -> Iterator[str]:
    """Yield sentences on what each augmentation gains over none, and scale over each other single one.

    Args:
        lines: pretrained on one photo.
    """
    groups: dict[tuple[str, str, str, int, str], dict[str, list[Line]]] = {}
    for line in lines:
        row = line.pretrain
        if row and (name := augmentation_of(row.recipe)):
            renderer = row.recipe.get("renderer", "")
            key = (row.method, line.trunk, row.images[0]["sha256"], row.iterations, renderer)
            groups.setdefault(key, {}).setdefault(name, []).append(line)
    for (method, *_), several in groups.items():
        # Lines with the same augmentation differ in something else, and none of them is the one to compare.
        by_name = {name: found[0] for name, found in several.items() if len(found) == 1}
        if _NONE in by_name and len(by_name) > 1:
            for sentence in _judge(by_name):
                yield f"{method_name(method)}: {sentence}"


def _judge(by_name: dict[str, Line]) -> Iterator[str]:
    if any(len(line.seeds) < 2 for line in by_name.values()):
        yield f"one seed a row ({enumerate_words(by_name)}), a trial that makes no claim"
        return
    for name, line in by_name.items():
        if name != _NONE and (found := contrast(line, by_name[_NONE])):
            subject = "all augmentations" if name == _ALL else name
            yield f"with {subject}, {describe_gain(found, 'crops without augmentation')}"
    singles = [name for name in by_name if name not in (_NONE, _SCALE, _ALL) and "+" not in name]
    for name in singles if _SCALE in by_name else ():
        if found := contrast(by_name[_SCALE], by_name[name]):
            yield f"with scale, {describe_gain(found, f'crops with {name}')}"
