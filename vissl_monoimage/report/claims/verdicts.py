"""The verdicts on the paper's claims that a table allows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from vissl_monoimage.report.claims.augmentation import judge_augmentations
from vissl_monoimage.report.claims.claims import (
    as_much_as_data_set,
    gap_by_depth,
    more_than_untrained,
    one_photo_lines,
    two_thirds_at_conv5,
)
from vissl_monoimage.report.claims.names import data_set_name, describe_subject
from vissl_monoimage.report.claims.notes import notes_on
from vissl_monoimage.report.tables.experiment import Line
from vissl_monoimage.report.tables.table import Table

_RULES: dict[str, Callable[[Table, Line], Iterator[str]]] = {
    "One image teaches more than no training": more_than_untrained,
    "For early layers one image teaches as much as a whole data set": as_much_as_data_set,
    "Deeper layers need more images": gap_by_depth,
    "At conv5 one image reaches two thirds of a whole data set's accuracy": two_thirds_at_conv5,
}
_AUGMENTATION = "Augmentation is what makes one image enough, scale above all"
_ORDER = [*list(_RULES)[:3], _AUGMENTATION, *list(_RULES)[3:]]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a table says of one of the paper's claims.

    Attributes:
        claim: what the paper says.
        paragraphs: what the table says, one for each method.
    """

    claim: str
    paragraphs: list[str]


@dataclasses.dataclass(frozen=True)
class TableVerdicts:
    """What one table says of the paper's claims.

    Attributes:
        title: data set, protocol and the changes to it.
        verdicts: in the order of the claims, without those that the table is silent on.
        notes: sentences on lines of one seed, and on what the intervals mean.
    """

    title: str
    verdicts: list[Verdict]
    notes: list[str]


def judge_all(tables: Iterable[Table]) -> list[TableVerdicts]:
    """Return what tables say of the paper's claims, without those that have no line of one photo."""
    return [found for table in tables if (found := judge(table))]


def verdicts_as_markdown(judged: Iterable[TableVerdicts]) -> str:
    """Return verdicts as Markdown: each table's title in bold, its claims with a list of sentences each, its notes.

    Notes that all tables have are written once, at the end.
    """
    judged, parts = list(judged), list[str]()
    common = [note for note in judged[0].notes if all(note in table.notes for table in judged)] if judged else []
    for table in judged:
        parts.append(f"**{table.title}**")
        for verdict in table.verdicts:
            parts += [f"*{verdict.claim}:*", "\n".join(f"- {text}" for text in verdict.paragraphs)]
        parts += [note for note in table.notes if note not in common]
    return "\n\n".join([*parts, *common])


def judge(table: Table) -> TableVerdicts | None:
    """Return what a table says of the paper's claims; None if it has no line of one photo."""
    lines = one_photo_lines(table)
    if not lines:
        return None
    found = {
        claim: [text for line in lines if (text := _paragraph(describe_subject(line, lines), rule(table, line)))]
        for claim, rule in _RULES.items()
    }
    found[_AUGMENTATION] = [f"{sentence}." for sentence in judge_augmentations(lines)]
    changes = f" with {', '.join(table.changes)}" if table.changes else ""
    title = f"{data_set_name(table.dataset_name)}, {table.protocol_name}{changes}"
    verdicts = [Verdict(claim, found[claim]) for claim in _ORDER if found[claim]]
    silent = [claim for claim in _ORDER if verdicts and not found[claim]]
    notes = [*notes_on(table, lines), *([f"This table is silent on: {'; '.join(silent)}."] if silent else [])]
    return TableVerdicts(title, verdicts, notes)


def _paragraph(subject: str, sentences: Iterable[str]) -> str:
    """Return `Subject: first sentence. Second sentence.`; "" without sentences."""
    first, *others = [*sentences] or [""]
    return " ".join([f"{subject}: {first}.", *(f"{text[0].upper()}{text[1:]}." for text in others)]) if first else ""
