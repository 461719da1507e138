"""The record of each clustering: a line of numbers, the labels as a file, and a contact sheet of clusters."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vissl_monoimage.config.blocks import monoimage_block
from vissl_monoimage.data.crops.contact_sheet import save_picture
from vissl_monoimage.pretext.deepcluster.artifacts import CLUSTERS, CLUSTERS_FILE, COLUMNS, FOLDER, LABELS_FILE, ROWS
from vissl_monoimage.pretext.deepcluster.clustering import Assignments
from vissl_monoimage.pretext.deepcluster.pseudo_labels import image_of
from vissl_monoimage.utils import jsonl
from vissl_monoimage.utils.atomic_write import atomic_write

_CELL, _GAP = 64, 2  # px


def describe(assignments: Assignments, previous: Assignments | None) -> dict[str, float]:
    """Return the number of non-empty clusters, the largest one's share of the samples, and the NMI with the previous.

    Args:
        assignments: (N,) clusters of the samples.
        previous: those of the clustering before; None for the first, which has no NMI.
    """
    from sklearn.metrics import normalized_mutual_info_score  # a second to import: not for every run of VISSL

    sizes = np.bincount(assignments)
    numbers = {"clusters": int((sizes > 0).sum()), "largest_share": float(sizes.max() / len(assignments))}
    if previous is not None:
        numbers["nmi_previous"] = float(normalized_mutual_info_score(previous, assignments))
    return numbers


def record(
    task: Any, epoch: int, assignments: Assignments, previous: Assignments | None, seconds: dict[str, float]
) -> None:
    """Record a clustering, on the primary rank.

    In the run's folder: a line of clusters.jsonl; clusters.npy, the labels as VISSL reads them (LABEL_SOURCES:
    [disk_filelist]); and pictures/clusters_<epoch>.png, every `config.MONOIMAGE.PICTURES_EVERY` epochs and after the
    last clustering. The line also goes to VISSL's log, the console, and TensorBoard where its hook is on.

    Args:
        task: a `DeepClusterTask`.
        epoch: that the clustering is for, counted from 1.
        assignments: (N,) clusters of the samples.
        previous: those of the clustering before, None for the first.
        seconds: spent on each part.
    """
    folder, dataset = Path(task.checkpoint_folder), task.datasets["train"]
    numbers = describe(assignments, previous) | {f"seconds_{name}": value for name, value in seconds.items()}
    # A resumed run clusters the epochs after its checkpoint again.
    jsonl.cut(folder / CLUSTERS_FILE, lambda line: line["epoch"] < epoch)
    jsonl.append(folder / CLUSTERS_FILE, {"epoch": epoch, **numbers})
    text = f"clusters for epoch {epoch}: {', '.join(f'{name} {value:.3g}' for name, value in numbers.items())}"
    logging.info(text)
    print(text, flush=True)
    for hook in task.hooks:
        if writer := getattr(hook, "tb_writer", None):
            for name, value in numbers.items():
                writer.add_scalar(tag=f"DeepCluster/{name}", scalar_value=value, global_step=task.iteration)
    with atomic_write(folder / LABELS_FILE) as part, open(part, "wb") as file:
        np.save(file, dataset.label_objs[0])
    every = monoimage_block(task.config).get("PICTURES_EVERY", 1)
    last = epoch + task.settings.EVERY > task.num_train_phases
    if every and (epoch % every == 0 or last):
        (folder / FOLDER).mkdir(exist_ok=True)
        rng = np.random.default_rng((task.config["SEED_VALUE"], epoch))
        save_picture(sheet(dataset, assignments, rng), folder / FOLDER / f"{CLUSTERS}_{epoch:04d}.png")


def sheet(dataset: Any, assignments: Assignments, rng: np.random.Generator) -> Image.Image:
    """Return a picture of up to `ROWS` clusters, one a row from the largest to the smallest.

    A row has up to `COLUMNS` random samples of its cluster. Clusters of one sample are left out.
    """
    sizes = np.bincount(assignments)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 1]
    chosen = order[np.unique(np.linspace(0, len(order) - 1, ROWS).round().astype(int))] if len(order) else order
    step = _CELL + _GAP
    result = Image.new("RGB", (COLUMNS * step + _GAP, max(1, len(chosen)) * step + _GAP), "white")
    for row, cluster in enumerate(chosen):
        members = rng.permutation(np.flatnonzero(assignments == cluster))[:COLUMNS]
        for column, member in enumerate(members):
            cell = image_of(dataset, int(member)).resize((_CELL, _CELL), Image.Resampling.BICUBIC)
            result.paste(cell, (_GAP + column * step, _GAP + row * step))
    return result
