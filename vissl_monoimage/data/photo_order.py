"""The order of samples where the photos do not all fit into memory: one that decodes each photo once an epoch.

In a plain shuffle almost every sample would need another photo. Here an epoch draws the photos into groups that fit
the cache, anew every epoch, and visits group after group, the samples of a group shuffled together.

The price: a batch mixes the photos of one group only, so that its samples are less independent than those of a plain
shuffle, and a photo's samples of an epoch come together. A thousand photos of 500x375 px come
in groups of 333, of 2560x1920 px in groups of 15. Where all photos fit, nothing is reordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vissl_monoimage.data.crops.sample import photo_of
from vissl_monoimage.data.photos.cache import PyramidStore
from vissl_monoimage.data.single_image import SingleImageCrops


def crowded_photos(dataset: Any) -> PyramidStore | None:
    """The photos of a VISSL data set of ours that do not all stay in memory (of its first such source), if any."""
    crops = (getattr(source, "crops", None) for source in getattr(dataset, "data_objs", ()))
    stores = (each.photos for each in crops if isinstance(each, SingleImageCrops))
    return next((photos for photos in stores if not photos.all_kept), None)


def keep_warm(dataset: Any, samples: NDArray[np.int64], generator: torch.Generator) -> NDArray[np.int64]:
    """Indices of `dataset`, already shuffled, group after group; unchanged where all photos stay in memory.

    Args:
        samples: any indices, in any number.
        generator: draws the groups; equal on all ranks.
    """
    photos = crowded_photos(dataset)
    if photos is None:
        return samples
    place = np.empty(len(photos), dtype=np.int64)
    for number, group in enumerate(photo_groups(photos, generator)):
        place[group] = number
    places = place[photo_of(source_indices(dataset, samples), len(photos))]
    return samples[np.argsort(places, kind="stable")]


def photo_groups(photos: PyramidStore, generator: torch.Generator) -> list[list[int]]:
    """The numbers of all photos, shuffled and cut into the fewest groups that fit the cache, of about equal bytes.

    A photo larger than the whole cache is a group of its own.
    """
    shuffled: list[int] = torch.randperm(len(photos), generator=generator).tolist()
    least, most = 0, photos.cache_bytes
    fewest = len(_cut(shuffled, photos.sizes, most))
    while least < most:  # the least that a group may hold with no group more
        middle = (least + most) // 2
        if len(_cut(shuffled, photos.sizes, middle)) > fewest:
            least = middle + 1
        else:
            most = middle
    return _cut(shuffled, photos.sizes, most)


def _cut(shuffled: Sequence[int], sizes: Sequence[int], most: int) -> list[list[int]]:
    """Photo after photo into a group until the next would make it more than `most` bytes."""
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
    """What VISSL asks the source for: with DATA_LIMIT, index i of the data set is one drawn from the source's."""
    if dataset.data_limit < 0 or not dataset._can_random_subset_data_sources():
        return samples
    if not dataset._subset_initialized:
        dataset._init_image_and_label_subset()
    drawn: NDArray[np.int64] = dataset.image_and_label_subset
    return drawn[samples]
