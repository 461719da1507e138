"""An order of samples that decodes each photo once an epoch where the photos do not all fit into memory.

In a plain shuffle almost every sample would need another photo. Here the photos are divided at random into groups that
fit the cache, anew in every epoch, and the epoch visits one group after the other, with the samples of a group
shuffled.

The price is that a batch mixes the photos of one group alone: its samples are less independent than those of a plain
shuffle, and all samples of a photo come within one part of the epoch. A thousand photos of 500x375 px make groups of
333, those of 2560x1920 px groups of 15. Where all photos fit, nothing is reordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vissl_monoimage.compat.private_api import chosen_subset
from vissl_monoimage.data.crops.sample import photo_of
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.data.single_image import SingleImageCrops


def photos_beyond_memory(dataset: Any) -> PyramidCache | None:
    """Return the photos of the first single-image source in a VISSL data set whose photos do not all fit, if any."""
    crops = (getattr(source, "crops", None) for source in getattr(dataset, "data_objs", ()))
    stores = (each.photos for each in crops if isinstance(each, SingleImageCrops))
    return next((photos for photos in stores if not photos.all_in_memory), None)


def group_by_photo(dataset: Any, samples: NDArray[np.int64], generator: torch.Generator) -> NDArray[np.int64]:
    """Return `samples` ordered by the groups of their photos, or unchanged where all photos are in memory.

    Args:
        dataset: a VISSL data set with single-image sources.
        samples: indices of the data set, already shuffled; repetitions are kept.
        generator: draws the groups; it must be equal on all ranks.
    """
    photos = photos_beyond_memory(dataset)
    if photos is None:
        return samples
    group_of_photo = np.empty(len(photos), dtype=np.int64)
    for number, group in enumerate(photo_groups(photos, generator)):
        group_of_photo[group] = number
    groups = group_of_photo[photo_of(source_indices(dataset, samples), len(photos))]
    return samples[np.argsort(groups, kind="stable")]


def photo_groups(photos: PyramidCache, generator: torch.Generator) -> list[list[int]]:
    """Return the numbers of all photos, shuffled and cut into the fewest groups that fit the cache.

    The groups take about equal bytes. A photo that is larger than the cache is a group of its own.
    """
    shuffled: list[int] = torch.randperm(len(photos), generator=generator).tolist()
    least, most = 0, photos.cache_bytes
    fewest = len(_cut(shuffled, photos.sizes, most))
    while least < most:  # find the smallest bound on a group that needs no more groups
        middle = (least + most) // 2
        if len(_cut(shuffled, photos.sizes, middle)) > fewest:
            least = middle + 1
        else:
            most = middle
    return _cut(shuffled, photos.sizes, most)


def _cut(shuffled: Sequence[int], sizes: Sequence[int], most: int) -> list[list[int]]:
    """Fill one group after the other, in order, with as many photos as take at most `most` bytes."""
    groups: list[list[int]] = []
    filled = most
    for photo in shuffled:
        if filled + sizes[photo] > most:
            groups.append([])
            filled = 0
        groups[-1].append(photo)
        filled += sizes[photo]
    return groups


def source_indices(dataset: Any, samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices that VISSL asks the source for: with DATA_LIMIT, a data set is a random part of its source."""
    subset = chosen_subset(dataset)
    return samples if subset is None else subset[samples]
