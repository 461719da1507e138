"""Marks of lines whose rows leave something open, with the notes that explain them below a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import ProbedTrunk

UNCOMMITTED, UNHASHED, CONFLICT = "‡", "§", "¶"
NOTES = {
    UNCOMMITTED: f"{UNCOMMITTED} Some of its rows were made with uncommitted changes in the code, so that their commit "
    "alone does not repeat them.",
    UNHASHED: f"{UNHASHED} Pretrained on images that were not hashed: the data set is known by its name alone.",
}


def marks_of(group: Sequence[ProbedTrunk], conflicts: Sequence[str]) -> str:
    """Return the marks of the line of `group`, with CONFLICT if there are `conflicts`."""
    pretrained = [item.pretrain for item in group if item.pretrain]
    marks = UNCOMMITTED if any(row.is_dirty for row in [*pretrained, *(item.probe for item in group)]) else ""
    if any(not row.is_identified for row in pretrained):
        marks += UNHASHED
    return marks + (CONFLICT if conflicts else "")


def seed_conflicts(by_trunk: Mapping[str, Sequence[ProbedTrunk]], label: str) -> list[str]:
    """Return a sentence for each seed whose trunks are called the same and have different weights.

    Args:
        by_trunk: the probes of a line by the seed of their trunk; "" for trunks without one.
        label: of the line.
    """
    sentences = []
    for seed, items in by_trunk.items():
        trunks = dict(_trunk(item) for item in items) if seed else {}
        trunks.pop("", None)
        if len(trunks) > 1:
            verb = "trained" if items[0].pretrain else "drawn"
            listed = ", ".join(f"{weights[:6]} on {row.device}" for weights, row in trunks.items())
            sentences.append(
                f"{CONFLICT} {label}: seed {seed} was {verb} {len(trunks)} times with different results ({listed}), "
                "whose mean counts as one trunk."
            )
    return sentences


def _trunk(item: ProbedTrunk) -> tuple[str, Row]:
    """Return the hash of a trunk's weights, "" where it is not known, and the row that made them."""
    if item.pretrain:
        return item.pretrain.checkpoint_out_sha256 or "", item.pretrain
    return item.probe.initial_weights.sha256 or "", item.probe
