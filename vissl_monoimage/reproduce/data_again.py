"""The data of a finished run, hashed again as the run hashed them: through VISSL's data sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.fingerprint_cache import nothing_remembered
from vissl_monoimage.ledger.row import Row

_FOUND_BY_NAME = ("single_image", "photo_patches", "synthetic")
"""Sources whose DATA_PATHS are no files, or files that a row has hashes of by themselves."""


def data_hasher(row: Row, split: str) -> tuple[list[str], Callable[[], str]]:
    """Return where the data of one split ("train" or "test") of a row are, and a function that hashes them.

    Raises:
        MonoImageError: why they cannot be hashed here.
    """
    if row.name.startswith("init "):
        raise MonoImageError("only the photos of an init are hashed again")
    composed = compose_config([*row.overrides])
    config = composed["config"]
    config["DATA"][split.upper()]["TRANSFORMS"] = []  # a probe's have sizes of its trunk; files are hashed as they lie
    places = list(_places(config, split.upper()))
    for place in places:
        if not os.path.lexists(place):
            raise MonoImageError(f"{place} is not found here")
    return places, lambda: _sha256(composed, split)


def _places(config: Mapping[str, Any], split: str) -> Iterator[str]:
    """Yield the files and folders that a split reads.

    Raises:
        MonoImageError: they are found by a data set's name alone, or a photo is not here.
    """
    from vissl_monoimage.data.single_image_vissl import photos_of

    data = config["DATA"][split]
    for sources, paths in (("DATA_SOURCES", "DATA_PATHS"), ("LABEL_SOURCES", "LABEL_PATHS")):
        given = data[paths] or []
        for place, source in enumerate(data[sources]):
            if source == "single_image":
                find_photos([photos_of(config, path) for path in given[place : place + 1]])  # says which is missing
            if source in _FOUND_BY_NAME or (paths == "LABEL_PATHS" and source != "disk_filelist"):
                continue
            if place >= len(given):
                raise MonoImageError("their place is in VISSL's catalog of data sets, not in the row")
            yield from [given[place]] if isinstance(given[place], str) else given[place]


def _sha256(composed: Any, split: str) -> str:
    from vissl.data import build_dataset
    from vissl.utils.hydra_config import convert_to_attrdict

    from vissl_monoimage.ledger.data_vissl import describe_splits

    _, config = convert_to_attrdict(composed, dump_config=False)
    _, content = describe_splits({split: build_dataset(config, split.upper())}, config)[split]
    with nothing_remembered():
        fingerprint = content.fingerprint()
    if fingerprint is None:
        raise MonoImageError("they have no hash")
    return fingerprint.sha256
