"""The clusters of DeepCluster runs, from the files in their folders."""

from __future__ import annotations

from collections.abc import Sequence

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.pretext.deepcluster.artifacts import CLUSTERS, CLUSTERS_FILE, FOLDER
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.sections.artifacts import (
    RunBlock,
    plot_records,
    read_records,
    run_blocks,
    run_folder,
)
from vissl_monoimage.report.sections.pictures import latest_picture


def cluster_blocks(pretrained: Sequence[Row], missing: list[str]) -> list[RunBlock]:
    """Return a sheet of clusters and plots of their development for the runs that clustered.

    Args:
        pretrained: pretraining runs.
        missing: receives a sentence for what cannot be shown.
    """
    runs = (row for row in pretrained if row.checkpoint_out and (run_folder(row) / CLUSTERS_FILE).is_file())
    return run_blocks(runs, "the clusters of", _block, missing)


def _block(row: Row, name: str, missing: list[str]) -> RunBlock:
    folder, block = run_folder(row), RunBlock(name, [], [])
    try:
        records = read_records(folder / CLUSTERS_FILE, "clusters", missing, over="epoch")
    except MonoImageError as error:
        missing.append(f"Not shown: {error}.")
        return block
    count = {"clusters": "non-empty"}
    block.plots.append(plot_records(records, count, "clusters", "Non-empty clusters", name, over="epoch"))
    if any("nmi_previous" in record for record in records):
        title = "Agreement with the previous clusters (NMI; 1 means identical)"
        block.plots.append(plot_records(records, {"nmi_previous": "NMI"}, "NMI", title, name, over="epoch"))
    try:
        block.pictures.append(_sheet(row, name))
    except MonoImageError as error:
        missing.append(f"Not shown: {error}.")
    return block


def _sheet(row: Row, name: str) -> Figure:
    """Return the last epoch's contact sheet, with the bytes of its file."""
    subject = f"contact sheet of the clusters of {name}"
    picture = latest_picture(run_folder(row) / FOLDER, CLUSTERS, subject)
    return Figure(
        picture.data,
        "image/png",
        f"Contact sheet of crops: each row is a cluster that {name} made before epoch {picture.epoch}, the largest on "
        "top.",
        f"Clusters before epoch {picture.epoch}, from the largest to the smallest: one per row, with random members.",
    )
