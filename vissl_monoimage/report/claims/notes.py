"""Caveats to verdicts: lines of one seed, missing baselines, and what the intervals mean."""

from __future__ import annotations

from collections.abc import Sequence

from vissl_monoimage.report.claims.names import describe_subject, enumerate_words
from vissl_monoimage.report.tables.baselines import calibrated_baseline, data_set_lines, random_baseline
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.inference import LEVEL, MARGIN
from vissl_monoimage.report.tables.table import Table

MEANING = (
    f"Intervals are of {100 * (1 - LEVEL):g} %, over {{seeds}} seeds of one photo, and hold one by one. What is told "
    f"apart, or equal within {MARGIN:g} point, is so after Holm's correction over the layers; what is not told apart "
    "may still differ."
)
_NAMED = 4  # lines of one seed; the others are counted


def notes_on(table: Table, lines: Sequence[Line]) -> list[str]:
    """Return sentences on what the verdicts on lines of one photo do not say.

    Args:
        table: with all that the lines are compared with.
        lines: of one photo.
    """
    several_seeds = [line for line in lines if len(line.seeds) > 1]
    notes = []
    if trials := [line.label for line in lines if len(line.seeds) < 2]:
        several = "trials that make" if len(trials) > 1 else "a trial that makes"
        notes.append(f"One seed, {several} no claim: {_listed(trials)}.")
    if others := _others_of_one_seed(table, several_seeds):
        notes.append(f"One seed, so that nothing is compared with {'them' if others[1:] else 'it'}: {_listed(others)}.")
    if note := calibration_note(table, lines):
        notes.append(note)
    if several_seeds:
        counts = sorted({len(line.seeds) for line in several_seeds})
        notes.append(MEANING.format(seeds=" to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))))
    return notes


def calibration_note(table: Table, lines: Sequence[Line]) -> str:
    """Return which lines of several seeds gain over uncalibrated random weights alone; "" if there are none."""
    uncalibrated = [
        line
        for line in lines
        if len(line.seeds) > 1 and random_baseline(line, table.lines) and not calibrated_baseline(line, table.lines)
    ]
    if not uncalibrated:
        return ""
    names = enumerate_words(dict.fromkeys(describe_subject(line, lines) for line in uncalibrated))
    return (
        f"No calibrated baseline has a row here for {names}: gains stand on the uncalibrated one, whose batch norms "
        "never saw an image; statistics alone may lift the layers after the first."
    )


def _others_of_one_seed(table: Table, lines: Sequence[Line]) -> list[str]:
    """Return the labels of baselines and data sets' lines of one seed, with which nothing is compared."""
    others = [
        other
        for line in lines
        for baseline in (random_baseline, calibrated_baseline)
        for other in (baseline(line, table.lines), *data_set_lines(line, table.lines))
        if other and len(other.seeds) < 2
    ]
    return list(dict.fromkeys(other.label for other in others))


def _listed(labels: Sequence[str]) -> str:
    return "; ".join([*labels[:_NAMED], *([f"{len(labels) - _NAMED} more"] if labels[_NAMED:] else [])])
