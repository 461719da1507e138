"""What a report shows, collected from ledger rows once for all of its formats."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import ProbedTrunk, join_probes
from vissl_monoimage.report.tables.table import Table, build_tables


@dataclasses.dataclass(frozen=True)
class Report:
    """The contents of a report.

    Attributes:
        probed: all probes, with their pretrainings.
        pretrained: all pretraining runs, once each: those given and those found beside the probed checkpoints.
        tables: the accuracies by layer.
        missing: a sentence for everything that is left out. Rendering the page adds the files that it cannot show.
    """

    probed: list[ProbedTrunk]
    pretrained: list[Row]
    tables: list[Table]
    missing: list[str]


def collect(rows: Sequence[Row], skipped: Iterable[str] = ()) -> Report:
    """Return the contents of a report.

    Args:
        rows: the rows of a ledger.
        skipped: sentences on what was skipped in the ledger.
    """
    missing = list(skipped)
    probed = join_probes(rows, missing.append)
    pretrained = {row.run_id: row for row in rows if row.kind == "pretrain"}
    for trunk in probed:
        if trunk.pretrain:
            pretrained.setdefault(trunk.pretrain.run_id, trunk.pretrain)
    return Report(probed, list(pretrained.values()), build_tables(probed, missing.append), missing)
