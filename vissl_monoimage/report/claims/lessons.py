"""What one photo taught, in short: the sentences that a report opens with."""

from __future__ import annotations

from vissl_monoimage.report.claims.claims import one_photo_lines
from vissl_monoimage.report.claims.names import baseline_name, describe_subject, enumerate_words
from vissl_monoimage.report.claims.wording import describe_gain
from vissl_monoimage.report.tables.contrasts import Contrast, gains
from vissl_monoimage.report.tables.table import Table


def lessons(table: Table) -> list[str]:
    """Return what one photo taught, in a sentence for each method that has several seeds.

    A method is compared with the strictest baseline of several seeds: random weights calibrated on the same photo, else
    random weights as they are initialised. Layers that the statistics do not decide are inconclusive. Methods of
    one seed make no claim, and have a sentence only where there is no other.
    """
    lines = one_photo_lines(table)
    found = [(describe_subject(line, lines), gains(table, line)) for line in lines]
    several = [(subject, [gain for gain in contrasts if gain.n > 1]) for subject, contrasts in found]
    sentences = [_lesson(subject, contrasts[-1]) for subject, contrasts in several if contrasts]
    return sentences or [
        f"{subject}: inconclusive, one seed makes no claim." for subject, contrasts in found if contrasts
    ]


def _lesson(subject: str, contrast: Contrast) -> str:
    baseline = baseline_name(contrast.other)
    decided = [layer for layer in contrast.layers if contrast.is_told_apart(layer) or contrast.is_equal(layer)]
    undecided = [layer for layer in contrast.layers if layer not in decided]
    if not decided:
        return f"{subject}: inconclusive at every layer, one photo is not told apart from {baseline}."
    rest = f"; inconclusive at {enumerate_words(undecided)}" if undecided else ""
    return f"{subject}: {describe_gain(contrast, baseline, decided)}{rest}."
