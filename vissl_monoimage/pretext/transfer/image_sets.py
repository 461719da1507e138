"""The images that a pretext task is measured on when its training is over, none of which were trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vissl_monoimage.config.blocks import WHERE, monoimage_block
from vissl_monoimage.data.crops.sample import TEST
from vissl_monoimage.data.crops.settings import SourceBlock, read_source_block
from vissl_monoimage.data.labelled_folder import find_split, named_folder, open_split
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.data.single_image_vissl import SingleImageSource
from vissl_monoimage.errors import MonoImageError

COUNT = 1000
"""Images of a set; a training on fewer samples has as many as it has samples, so that trials stay short."""
OWN, UNSEEN_PHOTOS, PROBE_DATA = "own_images", "unseen_photos", "probe_data"
CANDIDATES = ("china", "flower", "astronaut", "coffee", "chelsea", "rocket", "hubble", "retina")
"""Colour photos of the catalog, in the order in which they are taken."""
PHOTOS = 4


@dataclass(frozen=True)
class ImageSet:
    """Images by their index.

    Attributes:
        count: number of images.
        image: returns RGB image `index`.
        photos: number of photos that the images are crops of, in turn; 0 if they are no crops.
    """

    count: int
    image: Callable[[int], Image.Image]
    photos: int = 0


def image_sets(task: Any) -> Iterator[tuple[str, Callable[[], ImageSet | None]]]:
    """Yield the name of each set, and what makes it; that gives None where the run has no such images.

    Args:
        task: a pretraining, with its data sets.
    """
    count = min(COUNT, len(task.datasets["train"]))
    settings = read_source_block(monoimage_block(task.config).get("SOURCE"))
    crops = [source.crops for source in task.datasets["train"].data_objs if isinstance(source, SingleImageSource)]
    yield OWN, lambda: other_crops(crops[0], count) if crops else test_images(task, count)
    trained_on = {sha256 for source in crops for sha256 in source.photos.sha256}
    yield UNSEEN_PHOTOS, lambda: unseen_photos(trained_on, settings, count)
    data = monoimage_block(task.config).get("TRANSFER_DATA")
    yield PROBE_DATA, lambda: probe_images(task, data, settings.SIZE, count) if data else None


def other_crops(crops: SingleImageCrops, count: int) -> ImageSet:
    """Return `count` crops of the test split of the photos that were trained on."""
    return ImageSet(count, crops.test_crops(count).__getitem__, len(crops.photos))


def test_images(task: Any, count: int) -> ImageSet | None:
    """Return `count` images of the run's own test split, evenly spaced; None if it has no test split."""
    dataset = task.datasets.get("test")
    if dataset is None:
        return None
    indices = _spaced(len(dataset.data_objs[0]), count)
    return ImageSet(len(indices), lambda index: dataset.data_objs[0][indices[index]][0].convert("RGB"))


def unseen_photos(trained_on: set[str], settings: SourceBlock, count: int) -> ImageSet:
    """Return crops, by the run's own recipe, of four photos of the catalog that were not trained on.

    Args:
        trained_on: sha256 of the files that were.
        settings: `config.MONOIMAGE.SOURCE`.
        count: number of crops; the photos take turns.

    Raises:
        MonoImageError: a photo is too small for the recipe.
    """
    paths = [path for name in CANDIDATES if file_sha256(path := CATALOG[name].path) not in trained_on][:PHOTOS]
    crops = SingleImageCrops(paths, dataclasses.replace(settings, TEST_SAMPLES=count), TEST)
    return ImageSet(count, crops.__getitem__, len(paths))


def probe_images(task: Any, data: str, size: int, count: int) -> ImageSet | None:
    """Return `count` test images of a labelled data set, evenly spaced, resized and cropped to `size` px squared.

    None where they are the test split of the run itself, which is measured as its own images.

    Args:
        task: a pretraining, with its data sets.
        data: NAME=FOLDER, with torchvision's files of the data set, if it is CIFAR, or {test,val}/<class>/.
        size: px; photos are trained on in crops of this size.
        count: at most as many as there are.

    Raises:
        MonoImageError: no name, or a folder that holds neither.
    """
    from torchvision.transforms import functional

    if not (named := named_folder(data)):
        raise MonoImageError(f"{WHERE}.TRANSFER_DATA={data} must be NAME=FOLDER, such as cifar10=data")
    try:
        if _is_measured_as_own(task, *find_split(*named, "TEST")):
            return None
        images = open_split(*named, "TEST")
    except MonoImageError as error:
        raise MonoImageError(f"{WHERE}.TRANSFER_DATA={error}") from None
    indices = _spaced(len(images), count)

    def image(index: int) -> Image.Image:
        resized = functional.resize(images[indices[index]][0].convert("RGB"), size)
        cropped: Image.Image = functional.center_crop(resized, size)
        return cropped

    return ImageSet(len(indices), image)


def _is_measured_as_own(task: Any, kind: str, root: Path) -> bool:
    """Return whether a run's own images are the test split of torchvision's data set `kind` in `root`, or `root`'s."""
    test = task.datasets.get("test")
    if test is None or isinstance(task.datasets["train"].data_objs[0], SingleImageSource):
        return False
    path = Path(test.data_paths[0])
    return path.is_dir() and path.samefile(root) and kind in ("", test.dataset_names[0])


def _spaced(available: int, count: int) -> list[int]:
    """Return `count` indices below `available`, evenly spaced; all of them if there are no more."""
    return np.linspace(0, available - 1, min(count, available)).round().astype(int).tolist()
