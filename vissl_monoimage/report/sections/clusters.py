"""What a DeepCluster put together, from the files in the run's folder."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vissl_monoimage.data.photos.decode import read_bytes
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.pretext.deepcluster.artifacts import CLUSTERS, CLUSTERS_FILE, FOLDER
from vissl_monoimage.report.plots.style import Figure
from vissl_monoimage.report.sections.artifacts import RunBlock, plot_records, read_records, run_blocks, run_folder


def cluster_sections(pretrained: Sequence[Row], missing: list[str]) -> list[RunBlock]:
    """A sheet of clusters, and how they changed, of the runs that clustered; what is not shown goes to `missing`."""
    runs = (row for row in pretrained if row.checkpoint_out and (run_folder(row) / CLUSTERS_FILE).is_file())
    return run_blocks(runs, "the clusters of", _cluster_section, missing)


def _cluster_section(row: Row, name: str, missing: list[str]) -> RunBlock:
    folder, block = run_folder(row), RunBlock(name, [], [])
    try:
        found = read_records(folder / CLUSTERS_FILE, "clusters", missing, over="epoch")
    except MonoImageError as error:
        missing.append(f"Not shown: {error}.")
        return block
    block.plots.append(
        plot_records(found, {"clusters": "non-empty"}, "clusters", "Non-empty clusters", name, over="epoch")
    )
    if any("nmi_previous" in look for look in found):
        kept = {"nmi_previous": "NMI"}
        what = "Agreement with the clusters before (NMI; 1: the same)"
        block.plots.append(plot_records(found, kept, "NMI", what, name, over="epoch"))
    try:
        block.pictures.append(_sheet(row, name))
    except MonoImageError as error:
        missing.append(f"Not shown: {error}.")
    return block


def _sheet(row: Row, name: str) -> Figure:
    """The last epoch's sheet, as its file has it."""
    folder = run_folder(row) / FOLDER
    found = ((re.fullmatch(rf"{CLUSTERS}_(\d+)\.png", path.name), path) for path in folder.glob("*.png"))
    epochs = {int(match[1]): path for match, path in found if match}
    if not epochs:
        raise MonoImageError(f"there is no sheet of the clusters of {name} in '{folder}'")
    epoch, path = max(epochs.items())
    return Figure(
        read_bytes(path),
        "image/png",
        f"Contact sheet of crops: each row is a cluster that {name} made before epoch {epoch}, the largest on top.",
        f"Clusters before epoch {epoch}, from the largest to the smallest: a row each, random members of it.",
    )
