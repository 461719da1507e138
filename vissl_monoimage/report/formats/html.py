"""The report as one self-contained HTML file: every image is embedded, and there is no script and no network access."""

from __future__ import annotations

import dataclasses
import datetime

import jinja2

from vissl_monoimage.report.claims.lessons import lessons
from vissl_monoimage.report.claims.verdicts import judge_all
from vissl_monoimage.report.collect import Report
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
from vissl_monoimage.report.tables.table import Table
from vissl_monoimage.report.tables.text_table import TextTable


@dataclasses.dataclass(frozen=True)
class TableBlock:
    """What the page shows of one table.

    Attributes:
        dataset: the labelled data set.
        lessons: sentences on what one photo taught.
        figure: a plot of the accuracies by layer.
        tables: the accuracies and the tables derived from them.
        efficiency: plots over the number of images.
    """

    dataset: str
    lessons: list[str]
    figure: Figure
    tables: list[TextTable]
    efficiency: list[Figure]


def render_page(report: Report) -> str:
    """Return the page; what can no longer be shown, such as a checkpoint that was moved, is added to its `missing`."""
    missing = report.missing
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vissl_monoimage.report.formats", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=_title(report),
        summary=_summary(report),
        generators=generator_blocks(report.pretrained, missing),
        tables=[_table_block(table) for table in report.tables],
        judged=judge_all(report.tables),
        similarities=[similarity_block(similarity) for similarity in compare_layers(report.probed, missing)],
        photos=photo_figures(report.pretrained, missing),
        filters=filter_figures(report.probed, missing),
        clusters=cluster_blocks(report.pretrained, missing),
        curves=loss_curves(row for row in report.pretrained if row.losses and not has_generator(row)),
        runs=[run_facts(row) for row in [*report.pretrained, *(trunk.probe for trunk in report.probed)]],
        missing=missing,
    )


def _table_block(table: Table) -> TableBlock:
    tables, efficiency = text_tables(table), efficiency_figures(table)
    return TableBlock(table.dataset, lessons(table), accuracy_by_layer(table), tables, efficiency)


def _title(report: Report) -> str:
    counts = {len(row.images) for row in report.pretrained if row.n_images != 0}  # random weights have no images
    return "How much of each layer can one image teach?" if counts <= {1} else "What each layer learned"


def _summary(report: Report) -> str:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    trained, probes = len(report.pretrained), len(report.probed)
    return (
        f"{trained} pretraining run{'s' * (trained != 1)} and {probes} probe{'s' * (probes != 1)}. "
        f"Made by `monoimage report` on {today} from the results ledger."
    )
