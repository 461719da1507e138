"""The report as one HTML file that needs nothing else: every image inside it, no script, no network."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

import jinja2

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.report.plots.data_efficiency import efficiency_figures
from vissl_monoimage.report.plots.filters import conv1_filters
from vissl_monoimage.report.plots.layers import per_layer
from vissl_monoimage.report.plots.losses import loss_curves
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.sections import clusters, gan, photos
from vissl_monoimage.report.similarity.compare import compare_layers
from vissl_monoimage.report.similarity.section import similarity_block
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.experiment import trunk_label
from vissl_monoimage.report.tables.join import ProbedTrunk, join_probes
from vissl_monoimage.report.tables.table import Table, build_tables
from vissl_monoimage.report.tables.text_table import TextTable


@dataclasses.dataclass(frozen=True)
class TableBlock:
    """What was learned on one data set: a plot, the table with its companions, and curves over the number of images."""

    dataset: str
    figure: Figure
    tables: list[TextTable]
    efficiency: list[Figure]


def render_page(rows: Sequence[Row]) -> str:
    """The whole page. What can no longer be drawn (a checkpoint or photo that moved) is said on it."""
    probed = join_probes(rows)
    pretrained = _pretrained(rows, probed)
    missing: list[str] = []
    generators = gan.generator_sections(pretrained, missing)
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
        tables=[_table(table) for table in build_tables(probed)],
        similarities=[similarity_block(comparison) for comparison in compare_layers(probed, missing)],
        photos=_photos(pretrained, missing),
        filters=_filters(probed, missing),
        generators=generators,
        clusters=clusters.cluster_sections(pretrained, missing),
        curves=loss_curves(row for row in pretrained if row.losses and not gan.has_generator(row)),
        runs=[_run(row) for row in [*pretrained, *(item.probe for item in probed)]],
        missing=missing,
    )


def _table(table: Table) -> TableBlock:
    return TableBlock(table.dataset, per_layer(table), text_tables(table), efficiency_figures(table))


def _pretrained(rows: Sequence[Row], probed: Sequence[ProbedTrunk]) -> list[Row]:
    """All pretraining runs, once each: the ones given and the ones found beside their checkpoints."""
    found = {row.run_id: row for row in rows if row.kind == "pretrain"}
    for item in probed:
        if item.pretrain:
            found.setdefault(item.pretrain.run_id, item.pretrain)
    return list(found.values())


def _title(pretrained: Sequence[Row]) -> str:
    counts = {len(row.images) for row in pretrained}
    return "How much of each layer can one image teach?" if counts <= {1} else "What each layer learned"


def _summary(pretrained: Sequence[Row], probed: Sequence[ProbedTrunk]) -> str:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    trained, probes = len(pretrained), len(probed)
    return (
        f"{trained} pretraining run{'s' * (trained != 1)} and {probes} probe{'s' * (probes != 1)}. "
        f"Made by vissl_monoimage's monoimage report on {today} from the results ledger."
    )


def _photos(pretrained: Sequence[Row], missing: list[str]) -> list[list[Figure]]:
    """Each photo that a run looked at alone, once, and beside it its crops by each recipe."""
    drawn: dict[str, list[Figure]] = {}
    recipes: set[str] = set()
    for row in (row for row in pretrained if len(row.images) == 1):
        recipe = {name: value for name, value in row.recipe.items() if name != "seed"}
        sha256 = row.images[0]["sha256"]
        if (key := f"{sha256} {sorted(recipe.items())}") in recipes:
            continue
        recipes.add(key)
        try:
            if sha256 not in drawn:
                drawn[sha256] = [photos.photo_figure(row)]
            drawn[sha256].append(photos.crops_figure(row))
        except MonoImageError as error:
            missing.append(f"Not shown: {error}.")
    return list(drawn.values())


def _filters(probed: Sequence[ProbedTrunk], missing: list[str]) -> list[Figure]:
    """conv1 of one trunk a method, its first seed's; random weights first. Fixed features have none."""
    drawn: dict[str, Figure] = {}
    for item in sorted(probed, key=lambda item: (item.probe.checkpoint_in is not None, item.probe.seed)):
        checkpoint = item.trunk_checkpoint
        if trunk_label(item) in drawn or checkpoint is None or item.is_fixed:
            continue
        name = f"{trunk_label(item)}, seed {(item.pretrain or item.probe).seed}"
        try:
            drawn[trunk_label(item)] = conv1_filters(checkpoint, name)
        except MonoImageError as error:
            missing.append(f"Not shown: {error}.")
    return list(drawn.values())


def _run(row: Row) -> dict[str, Any]:
    facts = {
        "command": row.command,
        "protocol": row.protocol,
        "changes to the protocol": "; ".join(row.protocol_changes),
        "trunk": row.trunk,
        "data set": row.dataset,
        "images": ", ".join(f"{image['name']} (sha256 {image['sha256'][:12]})" for image in row.images[:3]),
        "recipe": ", ".join(f"{key} {value}" for key, value in row.recipe.items()),
        "seed": row.seed,
        "steps": row.iterations,
        "wall time": f"{row.wall_s:.0f} s on {row.device}",
        "weights in": row.checkpoint_in,
        "weights out": row.checkpoint_out,
        **_pretext(row.pretext),
        "versions": ", ".join(f"{name} {version}" for name, version in row.versions.items()),
        "commit": row.git_sha,
        "config hash": row.config_hash[:16],
        "finished": row.finished,
    }
    shown = [(name, value) for name, value in facts.items() if value not in (None, "")]
    return {"title": f"{row.kind}: {row.name}, seed {row.seed}", "facts": shown}


def _pretext(measured: dict[str, Any]) -> dict[str, str]:
    """The accuracy on the method's own task, or what else was measured of it."""
    split = measured.get("split")
    if "top_1" in measured:
        return {"pretext accuracy": f"{measured['top_1']:.1f} % ({split})"}
    numbers = {name.replace("_", " "): value for name, value in measured.items() if isinstance(value, (int, float))}
    return {f"pretext ({split})": ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())}
