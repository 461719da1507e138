"""The crops of a photo for any framework that takes a data set of PyTorch."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from vissl_monoimage.data.crops.sample import photo_of
from vissl_monoimage.data.crops.settings import SourceBlock, read_source_block
from vissl_monoimage.data.photos.find import Entry, find_photos
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.errors import MonoImageError, unknown

_NAME = "SingleImageDataset"
_KEYS = {"recipe": "RECIPE", "size": "SIZE", "samples": "NUM_SAMPLES", "seed": "SEED", "fresh": "FRESH"}
_NOT_OF_RECIPE = {"SIZE", "NUM_SAMPLES", "TEST_SAMPLES", "SEED", "FRESH", "RENDERER"}
_RECIPE_KEYS = [field.name for field in dataclasses.fields(SourceBlock) if field.name not in _NOT_OF_RECIPE]


class SingleImageDataset(Dataset[tuple[Any, int]]):
    """Crops of one photo, or of a few, drawn on demand: pairs of image and label, like those of ImageFolder.

    Sample i is a pure function of the photos, the recipe, the size, the seed and i, whatever the number of workers and
    processes. Its bytes are those that VISSL's training split gets from the data source `single_image` under the same
    settings (Asano, Rupprecht and Vedaldi, ICLR 2020). The first samples are the photos themselves, then crops of each
    photo in turn. VISSL need not be installed. The data set can be pickled, and photos of up to 1 GiB once decoded are
    shared with loader workers, forked or spawned.

    Args:
        photo: a name such as "china" (`monoimage ls photos`), a photo, a folder, a .txt list, or a list of these, as
            `config.DATA.TRAIN.DATA_PATHS` takes them.
        recipe: how a crop is drawn: "released" (the paper's code), "paper" (its text), or a mapping with keys of
            `config.MONOIMAGE.SOURCE`, such as {"RECIPE": "paper", "JITTER": 0}.
        size: px, side of a crop, 8 to 2048.
        samples: number of crops, at least one a photo.
        transform: applied to each crop, a PIL image; None returns the image.
        seed: another seed draws other crops.
        fresh: whether every epoch draws new crops; see `set_epoch`.

    Attributes:
        transform: as given; it may be replaced.
        photos: the path of each photo; the label of a crop is the place of its photo in this list.

    Raises:
        MonoImageError: an argument of another type or out of range, a photo that cannot be read or is too small.
    """

    def __init__(
        self,
        photo: Entry,
        *,
        recipe: str | Mapping[str, Any] = "released",
        size: int = 256,
        samples: int = 1281167,
        transform: Callable[[Any], Any] | None = None,
        seed: int = 0,
        fresh: bool = False,
    ) -> None:
        settings = _settings(recipe=recipe, size=size, samples=samples, seed=seed, fresh=fresh)
        if transform is not None and not callable(transform):
            raise MonoImageError(f"{_NAME}: transform={transform!r} must be a function of an image, or None")
        self.transform = transform
        self.photos = _photos(photo, samples)
        self._crops = SingleImageCrops(self.photos, settings)
        # In shared memory, so that `set_epoch` reaches workers that are running already.
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_() if fresh else None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._epoch is not None:
            self._epoch.share_memory_()  # a copy's own; what a spawned worker receives is shared already

    def __len__(self) -> int:
        return len(self._crops)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        """Return crop `index`, a PIL image in RGB or what `transform` makes of it, and the number of its photo.

        Raises:
            IndexError: `index` is negative or beyond the last crop.
        """
        index = operator.index(index)
        if self._epoch is not None:
            self._crops.epoch = int(self._epoch)
        image = self._crops[index]
        label = photo_of(index, len(self.photos))
        return (image if self.transform is None else self.transform(image)), label

    def set_epoch(self, epoch: int) -> None:
        """Draw the crops of `epoch` from now on if `fresh` is set; otherwise do nothing.

        Call it before each epoch with the same number on all ranks, like `DistributedSampler.set_epoch`. It reaches
        persistent workers too. VISSL calls its training epochs 0, 1, 2 and so on.

        Args:
            epoch: a whole number from 0; the samples are a function of it.

        Raises:
            MonoImageError: `epoch` is something else.
        """
        if not isinstance(epoch, Integral) or not 0 <= epoch < 2**63:
            raise MonoImageError(f"{_NAME}.set_epoch: epoch={epoch!r} must be a whole number from 0")
        if self._epoch is not None:
            self._epoch[0] = int(epoch)


def _settings(recipe: str | Mapping[str, Any], **arguments: Any) -> SourceBlock:
    """Return the arguments as the block that VISSL's data source reads.

    Raises:
        MonoImageError: naming each argument of another type or out of range.
    """
    changes = recipe if isinstance(recipe, Mapping) else {"RECIPE": recipe}
    for key in changes:
        if key not in _RECIPE_KEYS:
            raise MonoImageError(f"{_NAME}: recipe: {unknown('key', key, _RECIPE_KEYS)}")
    values = {_KEYS[name]: _plain(value) for name, value in arguments.items()}
    try:
        return read_source_block({**changes, **values}, _NAME)
    except MonoImageError as error:
        raise MonoImageError(re.sub(rf"{_NAME}\.(\w+)", _as_argument, str(error))) from None


def _as_argument(key: re.Match[str]) -> str:
    name = next((name for name, block_key in _KEYS.items() if block_key == key[1]), f"recipe.{key[1]}")
    return f"{_NAME}: {name}"


def _plain(value: Any) -> Any:
    """Return an integer of NumPy as Python's, and any other value unchanged."""
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value


def _photos(photo: Entry, samples: int) -> list[Path]:
    """Return the absolute paths of the photos that `photo` stands for.

    Raises:
        MonoImageError: there are none, or more than samples.
    """
    if not _is_entry(photo):
        given = " ".join(repr(photo).split())[:80]
        raise MonoImageError(
            f"{_NAME}: photo={given} must be a name such as china, the path of a photo, a folder or a .txt list, "
            "or a list of these"
        )
    paths = [path.absolute() for path in find_photos(photo)]  # a relative one might be a name of the catalog
    if len(paths) > samples:
        raise MonoImageError(f"{_NAME}: samples={samples} must be at least {len(paths)}, one a photo")
    return paths


def _is_entry(photo: object) -> bool:
    if isinstance(photo, list | tuple):
        return len(photo) > 0 and all(map(_is_entry, photo))
    return isinstance(photo, str | Path) and photo != ""
