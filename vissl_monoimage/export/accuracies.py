"""The accuracies by layer of a trunk, from the ledger rows of the probes that read its weights."""

from __future__ import annotations

import dataclasses
import statistics
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vissl_monoimage.export.facts import PHOTO, photo_facts
from vissl_monoimage.export.module import PretrainedTrunk
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import ProbedTrunk, join_probes
from vissl_monoimage.report.tables.table import Table, build_tables
from vissl_monoimage.report.tables.text_table import TextTable

THESE = "**these weights**"


def add_accuracies(trunk: PretrainedTrunk, rows: Iterable[Row], warn: Callable[[str], None]) -> None:
    """Add to the facts of a trunk what `accuracies_of` its checkpoint returns."""
    tables, metrics = accuracies_of(trunk.config.facts["checkpoint"]["sha256"], rows, warn)
    facts = {**trunk.config.facts, "tables": [dataclasses.asdict(table) for table in tables], "metrics": metrics}
    trunk.config = dataclasses.replace(trunk.config, facts=facts)


def accuracies_of(
    sha256: str, rows: Iterable[Row], warn: Callable[[str], None] = warnings.warn
) -> tuple[list[TextTable], list[dict[str, Any]]]:
    """Return a table by layer for each protocol and data set that weights were probed with, and the numbers in it.

    The first line of a table is the weights'; below it are the mean and interval over all seeds of their experiment,
    and random weights of that architecture, as far as `rows` have probes of these.

    Args:
        sha256: of the checkpoint.
        rows: of ledgers.
        warn: called with a sentence for everything that cannot be shown.

    Returns:
        The tables, and for each probed layer {protocol, changes, dataset, layer, top_1, probes}.
    """
    probed = [_without_names(item) for item in join_probes(rows, warn)]
    ours = [item for item in probed if item.probe.weights.sha256 == sha256]
    texts, metrics = [], []
    for contents in dict.fromkeys(tuple(item.probe.contents) for item in ours):  # one data set at a time
        on_it = [item for item in ours if tuple(item.probe.contents) == contents]
        beside = [item for item in probed if tuple(item.probe.contents) == contents and _belongs(item, on_it)]
        alone = {_key(table): table for table in build_tables(on_it, warn)}
        tables = [table for table in build_tables(beside, lambda _: None) if _key(table) in alone]
        texts += [_text(table, alone[_key(table)]) for table in tables]
        metrics += [metric for table in alone.values() for metric in _metrics(table, on_it)]
    return texts, metrics


def _without_names(item: ProbedTrunk) -> ProbedTrunk:
    """Return a probe of a trunk whose label does not name a photo without a known licence."""
    if item.pretrain is None:
        return item
    images = [{**image, "name": photo_facts(image)["name"] or PHOTO} for image in item.pretrain.images]
    return dataclasses.replace(item, pretrain=dataclasses.replace(item.pretrain, images=images))


def _belongs(item: ProbedTrunk, ours: Sequence[ProbedTrunk]) -> bool:
    """Return whether a probe is of the same experiment as `ours`, or of random weights of their architecture."""
    is_random = item.is_random and item.probe.trunk == ours[0].probe.trunk
    return is_random or item.experiment[0] in {own.experiment[0] for own in ours}


def _key(table: Table) -> tuple[str, tuple[str, ...], str]:
    return table.protocol, table.changes, table.dataset_name


def _text(table: Table, alone: Table) -> TextTable:
    """Return a table that begins with lines of these weights alone, which have no interval over trainings."""
    lines = [(THESE, line) for line in alone.lines] + [
        (f"{line.label} {line.marks}".rstrip(), line) for line in table.lines
    ]
    rows = [[label, *(str(line.cells.get(layer, "-")) for layer in table.layers), line.runs] for label, line in lines]
    header = ["weights", *table.layers, "trunks"]
    return TextTable(table.title, header, rows, list(range(1, len(header) - 1)), table.caveats)


def _metrics(table: Table, ours: list[ProbedTrunk]) -> list[dict[str, Any]]:
    probes = [part.probe for item in ours for part in item.parts if (part.probe.protocol or "") == table.protocol]
    matching = [row for row in probes if tuple(row.protocol_changes) == table.changes]
    values = {
        layer: [row.accuracies[layer]["top_1"] for row in matching if "top_1" in row.accuracies.get(layer, {})]
        for layer in table.layers
    }
    return [
        {
            "protocol": table.protocol,
            "changes": list(table.changes),
            "dataset": table.dataset_name,
            "layer": layer,
            "top_1": round(statistics.fmean(several), 4),
            "probes": len(several),
        }
        for layer, several in values.items()
        if several
    ]
