"""The sets of permutations that Jigsaw tells apart, made here instead of fetched."""

from __future__ import annotations

import itertools
import logging
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vissl_monoimage.errors import MonoImageError

_NAME = re.compile(r"perms_(?P<count>\d+)_patches_(?P<patches>\d+)_max")


def local_file(url: str) -> Path | None:
    """Return the file in our cache folder with the name that `url` ends in; make it if it is not there.

    VISSL's YAMLs name files such as `.../hamming_perms_2000_patches_9_max_avg.npy`. The network is never
    tried: the set made here is the same on every machine, and whoever wants the original puts it into the
    cache folder (`vissl_monoimage` in XDG_CACHE_HOME or ~/.cache) under its own name. Returns None where
    the name states no sizes.

    Raises:
        MonoImageError: the cache folder cannot be written.
    """
    name = url.rsplit("/", 1)[-1]
    sizes = _NAME.search(name)
    if sizes is None:
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "vissl_monoimage")
    path = cache / name
    if not path.is_file():
        logging.info(f"Jigsaw: making {path} here, not fetching {url}")
        _write(path, maximal_hamming(int(sizes["count"]), int(sizes["patches"])))
    return path


def maximal_hamming(count: int, patches: int) -> npt.NDArray[np.uint8]:
    """`count` permutations of range(patches), chosen greedily for a large mean Hamming distance.

    Noroozi and Favaro, "Unsupervised learning of visual representations by solving jigsaw puzzles" (2016),
    algorithm 1, starting from the identity; the first in lexicographic order wins a tie.

    Returns:
        uint8 array (count, patches) of distinct rows.

    Raises:
        MonoImageError: there are not that many permutations.
    """
    everything = np.array(list(itertools.permutations(range(patches))), dtype=np.uint8)
    if count > len(everything):
        raise MonoImageError(f"Jigsaw: {patches} patches have {len(everything)} permutations, not {count}")
    columns = np.ascontiguousarray(everything.T)
    chosen = [0]
    agreement = np.zeros(len(everything), dtype=np.int32)  # positions shared with all chosen so far
    shared = np.empty(len(everything), dtype=np.uint8)
    while len(chosen) < count:
        shared[:] = 0
        for column, value in zip(columns, everything[chosen[-1]], strict=True):
            shared += column == value
        agreement += shared
        agreement[chosen[-1]] = np.iinfo(np.int32).max // 2
        chosen.append(int(agreement.argmin()))
    return everything[chosen]


def _write(path: Path, permutations: npt.NDArray[np.uint8]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Several loader workers may get here at once: each writes the same bytes, the last rename stays.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npy")
        with os.fdopen(descriptor, "wb") as file:
            np.save(file, permutations)
        os.replace(temporary, path)
    except OSError as error:
        raise MonoImageError(f"Jigsaw: cannot write {path}: {error.strerror}; set XDG_CACHE_HOME") from error
