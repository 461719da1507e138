"""Pseudo-labels in VISSL's data set, which looks labels up by a sample's index in its source."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from vissl_monoimage.data.photo_order import source_indices
from vissl_monoimage.pretext.deepcluster.clustering import Assignments

NONE = -1
"""Label of samples that DATA_LIMIT leaves out of the data set; VISSL's losses ignore it."""


def give_labels(dataset: Any, assignments: Assignments) -> Assignments:
    """Make `assignments` (N,) the labels of `dataset`, and return them as they are stored.

    Call it before the epoch's iterator is made: its workers get a copy of the data set.

    Returns:
        A label for each sample of the source, NONE for those that are not in the data set.
    """
    labels = np.full(len(dataset.data_objs[0]), NONE, dtype=np.int64)
    labels[source_indices(dataset, np.arange(len(dataset)))] = assignments
    dataset.label_objs, dataset.labels_init, dataset.label_type = [labels], True, "standard"
    return labels


def image_of(dataset: Any, index: int) -> Image.Image:
    """Return sample `index` as an RGB image before any transforms."""
    (number,) = source_indices(dataset, np.array([index]))
    source = dataset.data_objs[0]
    crops = getattr(source, "crops", None)  # of a photo, even where batches are rendered elsewhere
    image: Image.Image = crops[int(number)] if crops is not None else source[int(number)][0]
    return image.convert("RGB")
