"""The words of verdicts: comparisons as clauses.

Only what the statistics allow is said: "not told apart" is not "equal", and "within 1 point" needs its own test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vissl_monoimage.report.claims.names import baseline_name, enumerate_words, images_name
from vissl_monoimage.report.tables.comparison import NO_SHARE, describe_difference, describe_share
from vissl_monoimage.report.tables.contrasts import Contrast, GainShare
from vissl_monoimage.report.tables.inference import MARGIN

_WITHIN = f"within {MARGIN:g} point"


def describe_gain(contrast: Contrast, baseline: str, layers: Sequence[str] = ()) -> str:
    """Return what one photo gains over a baseline, in all layers or in some, as a sentence without its subject."""
    layers = layers or list(contrast.layers)
    apart = [layer for layer in layers if contrast.is_told_apart(layer)]
    above = [layer for layer in apart if contrast.layers[layer].mean > 0]
    clauses = [
        (above, "one photo gains {} over " + baseline),
        ([layer for layer in apart if layer not in above], "one photo is below " + baseline + ", {}"),
        *_undecided(contrast, [layer for layer in layers if layer not in apart], baseline),
    ]
    return _joined(contrast, clauses, baseline)


def describe_gap(contrast: Contrast, layers: Sequence[str]) -> str:
    """Return how one photo compares with a data set's images in some layers, as a sentence without its subject."""
    images = images_name(contrast.other, contrast.line)
    equal = [layer for layer in layers if contrast.is_equal(layer)]
    apart = [layer for layer in layers if contrast.is_told_apart(layer) and layer not in equal]
    below = [layer for layer in apart if contrast.layers[layer].mean < 0]
    rest = [layer for layer in layers if layer not in [*equal, *apart]]
    clauses = [
        *_undecided(contrast, equal, images),
        (below, "one photo is below " + images + ", {}"),
        ([layer for layer in apart if layer not in below], "one photo is above " + images + ", {}"),
        *_undecided(contrast, rest, images),
    ]
    return _joined(contrast, clauses, images)


def describe_shares(share: GainShare, layers: Sequence[str]) -> str:
    """Return the share of a data set's gain that one photo has in some layers, as a sentence; "" for one seed."""
    layers = [layer for layer in layers if layer in share.layers and share.n(layer) > 1]
    over = f" over {baseline_name(share.baseline)}"
    images = images_name(share.full, share.line)
    named = [f"{percent(share, layer)} at {layer}" for layer in layers if share.layers[layer]]
    without = [layer for layer in layers if not share.layers[layer]]
    texts = [f"it has {enumerate_words(named)} of what {images} gain{over}"] if named else []
    too_little = f"{images} gain too little{'' if named else over}"
    texts += [f"there is no share at {enumerate_words(without)}, where {too_little}"] if without else []
    return _with_pronoun("; ".join(texts), images)


def percent(share: GainShare, layer: str) -> str:
    """Return a share with its unit, `45 % (27 to 59)`, or "no share"."""
    if share.layers[layer] is None:
        return NO_SHARE
    number, space, interval = describe_share(share.layers[layer]).partition(" ")
    return f"{number} %{space}{interval}"


def _undecided(contrast: Contrast, layers: Sequence[str], other: str) -> list[tuple[list[str], str]]:
    """Return clauses for layers that are equal, and for those of which neither is shown."""
    equal = [layer for layer in layers if contrast.is_equal(layer)]
    apart = [layer for layer in equal if contrast.is_told_apart(layer)]
    return [
        (apart, f"it is {_WITHIN} of {other} though told apart, {{}}"),
        ([layer for layer in equal if layer not in apart], f"it is equal to {other} {_WITHIN}, {{}}"),
        ([layer for layer in layers if layer not in equal], f"it is not told apart from {other}, {{}}"),
    ]


def _joined(contrast: Contrast, clauses: Iterable[tuple[Sequence[str], str]], other: str) -> str:
    texts = []
    for layers, clause in clauses:
        if layers:
            first, *others = (f"{describe_difference(contrast.layers[layer])} at {layer}" for layer in layers)
            number, space, rest = first.partition(" ")
            texts.append(clause.format(enumerate_words([f"{number} points{space}{rest}", *others])))
    sentence = _with_pronoun("; ".join(texts), other)
    return sentence if sentence.startswith("one photo") else sentence.replace("it is", "one photo is", 1)


def _with_pronoun(sentence: str, name: str) -> str:
    """Return a sentence that says a name once, and then `them`, or `they` where these gain."""
    head, named, tail = sentence.partition(name)
    return head + named + tail.replace(f"{name} gain", "they gain").replace(name, "them")
