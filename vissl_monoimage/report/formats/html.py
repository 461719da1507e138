"""The report as one self-contained HTML file: every image is embedded, and there is no script and no network access."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

import jinja2

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.formats.run_facts import run_facts
from vissl_monoimage.report.plots.data_efficiency import efficiency_figures
from vissl_monoimage.report.plots.filters import filter_figures
from vissl_monoimage.report.plots.layers import accuracy_by_layer
from vissl_monoimage.report.plots.losses import loss_curves
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.sections.clusters import cluster_blocks
from vissl_monoimage.report.sections.gan import generator_blocks, has_generator
from vissl_monoimage.report.sections.photos import photo_figures
from vissl_monoimage.report.similarity.compare import compare_layers
from vissl_monoimage.report.similarity.section import similarity_block
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.join import ProbedTrunk, join_probes
from vissl_monoimage.report.tables.table import Table, build_tables
from vissl_monoimage.report.tables.text_table import TextTable


@dataclasses.dataclass(frozen=True)
class TableBlock:
    """What the page shows of one table.

    Attributes:
        dataset: the labelled data set.
        figure: a plot of the accuracies by layer.
        tables: the accuracies and the tables derived from them.
        efficiency: plots over the number of images.
    """

    dataset: str
    figure: Figure
    tables: list[TextTable]
    efficiency: list[Figure]


def render_page(rows: Sequence[Row]) -> str:
    """Return the page; it names what can no longer be shown, such as a checkpoint or photo that was moved."""
    probed = join_probes(rows)
    pretrained = _pretrainings(rows, probed)
    missing: list[str] = []
    generators = generator_blocks(pretrained, missing)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vissl_monoimage.report.formats", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=_title(pretrained),
        summary=_summary(pretrained, probed),
        tables=[_table_block(table) for table in build_tables(probed)],
        similarities=[similarity_block(similarity) for similarity in compare_layers(probed, missing)],
        photos=photo_figures(pretrained, missing),
        filters=filter_figures(probed, missing),
        generators=generators,
        clusters=cluster_blocks(pretrained, missing),
        curves=loss_curves(row for row in pretrained if row.losses and not has_generator(row)),
        runs=[run_facts(row) for row in [*pretrained, *(trunk.probe for trunk in probed)]],
        missing=missing,
    )


def _table_block(table: Table) -> TableBlock:
    return TableBlock(table.dataset, accuracy_by_layer(table), text_tables(table), efficiency_figures(table))


def _pretrainings(rows: Sequence[Row], probed: Sequence[ProbedTrunk]) -> list[Row]:
    """Return all pretraining runs, once each: those given and those found beside the probed checkpoints."""
    by_id = {row.run_id: row for row in rows if row.kind == "pretrain"}
    for trunk in probed:
        if trunk.pretrain:
            by_id.setdefault(trunk.pretrain.run_id, trunk.pretrain)
    return list(by_id.values())


def _title(pretrained: Sequence[Row]) -> str:
    counts = {len(row.images) for row in pretrained}
    return "How much of each layer can one image teach?" if counts <= {1} else "What each layer learned"


def _summary(pretrained: Sequence[Row], probed: Sequence[ProbedTrunk]) -> str:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return (
        f"{len(pretrained)} pretraining run{'s' * (len(pretrained) != 1)} and {len(probed)} "
        f"probe{'s' * (len(probed) != 1)}. Made by `monoimage report` on {today} from the results ledger."
    )
