"""The photo as a plain data set: VISSL's bytes, in any number of workers, in every epoch."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import vissl.data
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2
from vissl.config import AttrDict

import vissl_monoimage
from vissl_monoimage import SingleImageDataset
from vissl_monoimage.data.crops.settings import SourceBlock
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.errors import MonoImageError

BYTES = v2.PILToTensor()


def in_vissl(photo: Any, **source: Any) -> Any:
    """VISSL's own data set over the data source `single_image`."""
    split = {
        "DATA_SOURCES": ["single_image"], "DATASET_NAMES": ["single_image"], "DATA_PATHS": [photo],
        "LABEL_SOURCES": [], "LABEL_PATHS": [], "LABEL_TYPE": "sample_index", "DATA_LIMIT": -1,
        "DATA_LIMIT_SAMPLING": {"IS_BALANCED": False, "SKIP_NUM_SAMPLES": 0, "SEED": 0},
        "BATCHSIZE_PER_REPLICA": 2, "COPY_TO_LOCAL_DISK": False, "MMAP_MODE": True,
        "TRANSFORMS": [{"name": "ToTensor"}],
    }  # fmt: skip
    return vissl.data.build_dataset(AttrDict({"DATA": {"TRAIN": split}, "MONOIMAGE": {"SOURCE": source}}), "TRAIN")


def bytes_in_vissl(dataset: Any, epoch: int = 0) -> torch.Tensor:
    """All samples of VISSL's data set, whose ToTensor has divided them by 255, uint8 (samples, 3, size, size)."""
    for source in dataset.data_objs:
        source.set_train_phase_idx(epoch)
    images = torch.stack([dataset[index]["data"][0] for index in range(len(dataset))])
    return images.mul(255).round().to(torch.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two photos and a list of them."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 256, (2, 90, 120, 3), np.uint8)
    for name, pixels in zip("ba", noise, strict=True):
        Image.fromarray(pixels).resize((360, 270)).save(folder / f"{name}.png")
    (folder / "list.txt").write_text("b.png  # first\nchina\n")
    return folder


@pytest.mark.parametrize(
    ("photo", "count"), [("china", 1), ("a.png", 1), ("", 2), ("list.txt", 2), (["b.png", "a.png", "b.png"], 3)]
)
def test_every_kind_of_entry_gives_vissls_bytes(photo: Any, count: int, photos: Path) -> None:
    if photo != "china":
        photo = [str(photos / name) for name in photo] if isinstance(photo, list) else str(photos / photo)
    dataset = SingleImageDataset(photo, size=40, samples=9, seed=5, transform=BYTES)
    expected = in_vissl(photo, SIZE=40, NUM_SAMPLES=9, SEED=5)
    assert len(dataset) == len(expected) == 9
    assert torch.equal(torch.stack([image for image, _ in dataset]), bytes_in_vissl(expected))
    assert dataset.photos == [path.absolute() for path in expected.data_objs[0].crops.photos.paths]
    assert [label for _, label in dataset] == [index % count for index in range(9)]


@pytest.mark.parametrize(
    ("recipe", "source"),
    [
        ("paper", {"RECIPE": "paper"}),
        ({"RECIPE": "paper", "JITTER": 0, "SCALE": [0.25, 1], "FILL": "photo"},) * 2,
        ({"JPEG": 40},) * 2,
    ],
)
def test_every_recipe_gives_vissls_bytes(recipe: Any, source: dict[str, Any]) -> None:
    dataset = SingleImageDataset("coffee", recipe=recipe, size=32, samples=6, transform=BYTES)
    expected = bytes_in_vissl(in_vissl("coffee", SIZE=32, NUM_SAMPLES=6, **source))
    assert torch.equal(torch.stack([image for image, _ in dataset]), expected)
    released = SingleImageDataset("coffee", size=32, samples=6, transform=BYTES)
    assert not torch.equal(released[1][0], expected[1])


def test_defaults_are_those_of_a_configuration() -> None:
    parameters = inspect.signature(SingleImageDataset).parameters
    defaults = {name: parameters[name].default for name in ("recipe", "size", "samples", "seed", "fresh")}
    block = SourceBlock()
    assert [*defaults.values()] == [block.RECIPE, block.SIZE, block.NUM_SAMPLES, block.SEED, block.FRESH]
    image, label = SingleImageDataset("china")[np.int64(3)]
    assert (image.mode, image.size, label) == ("RGB", (256, 256), 0)


def test_fresh_epochs_are_vissls_and_fixed_samples_stay() -> None:
    fresh, fixed = (SingleImageDataset("china", size=32, samples=6, transform=BYTES, fresh=f) for f in (True, False))
    expected = in_vissl("china", SIZE=32, NUM_SAMPLES=6, FRESH=True)
    first = bytes_in_vissl(expected, epoch=0)
    for epoch in (0, 3, np.int64(1), 0):
        fresh.set_epoch(epoch)
        fixed.set_epoch(epoch)
        images = torch.stack([image for image, _ in fresh])
        assert torch.equal(images, bytes_in_vissl(expected, epoch=int(epoch)))
        assert torch.equal(images, first) == (epoch == 0)
        assert torch.equal(torch.stack([image for image, _ in fixed]), first)
    for epoch in (-1, 2**63, 1.0, "1", None):
        with pytest.raises(MonoImageError, match=r"set_epoch: epoch=.* must be a whole number from 0$"):
            fresh.set_epoch(epoch)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_a_new_epoch_reaches_workers_that_stay(method: str) -> None:
    dataset = SingleImageDataset("china", size=32, samples=7, transform=BYTES, fresh=True)
    loader = DataLoader(dataset, 2, num_workers=1, persistent_workers=True, multiprocessing_context=method)
    expected = in_vissl("china", SIZE=32, NUM_SAMPLES=7, FRESH=True)
    for epoch in (2, 5):
        dataset.set_epoch(epoch)
        images = torch.cat([images for images, _ in loader])
        assert torch.equal(images, bytes_in_vissl(expected, epoch))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda dataset: pickle.loads(pickle.dumps(dataset))])
def test_a_copy_has_the_epoch_and_then_one_of_its_own(duplicate: Any) -> None:
    dataset = SingleImageDataset("chelsea", size=16, samples=4, fresh=True)
    dataset.set_epoch(2)
    second = dataset[1][0].tobytes()
    other = duplicate(dataset)
    assert other[1][0].tobytes() == second
    other.set_epoch(3)
    assert dataset[1][0].tobytes() == second != other[1][0].tobytes()
    assert other._epoch.is_shared()  # so that its own workers follow


def test_transforms_of_torchvision_and_frameworks_take_its_samples(tmp_path: Path) -> None:
    """A class with the index in front, as solo-learn derives one; a transform set later, as lightly does."""

    class WithIndex(SingleImageDataset):
        def __getitem__(self, index: int) -> Any:
            return (index, *super().__getitem__(index))

    dataset = WithIndex("china", size=32, samples=4)
    index, image, label = dataset[2]
    dataset.transform = lambda crop: [BYTES(crop), BYTES(crop)]
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    assert batch[0].tolist() == [0, 1, 2, 3]
    assert [view.shape for view in batch[1]] == [(4, 3, 32, 32)] * 2
    assert batch[2].tolist() == [0] * 4
    folder = tmp_path / "class"
    folder.mkdir()
    image.save(folder / "2.png")
    of_folder = ImageFolder(str(tmp_path))[0]
    assert (np.asarray(of_folder[0]) == np.asarray(image)).all()
    assert (type(of_folder[1]), of_folder[1], index) == (type(label), label, 2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"photo": "chinna"}, "unknown photo 'chinna': did you mean 'china'? valid: "),
        ({"photo": ""}, "SingleImageDataset: photo='' must be a name such as china, the path of a photo, a"),
        ({"photo": []}, "SingleImageDataset: photo=[] must be a name such as china"),
        ({"photo": np.zeros((2, 2))}, "SingleImageDataset: photo=array([[0., 0.], [0., 0.]]) must be a name such as"),
        ({"photo": "no/photo.jpg"}, "there is no photo or folder no/photo.jpg"),
        ({"recipe": "relased"}, "SingleImageDataset: recipe: unknown recipe 'relased': did you mean 'released'?"),
        ({"recipe": 3}, "SingleImageDataset: recipe=3 must be a name"),
        ({"recipe": {"JITER": 0}}, "SingleImageDataset: recipe: unknown key 'JITER': did you mean 'JITTER'? valid: AS"),
        ({"recipe": {"SIZE": 32}}, "SingleImageDataset: recipe: unknown key 'SIZE': valid: ASPECT"),
        ({"recipe": {"NAME": "me"}}, "SingleImageDataset: recipe: unknown key 'NAME': valid: ASPECT"),
        ({"recipe": {"JITTER": 2}}, "SingleImageDataset: recipe.JITTER=2 must be between 0 and 1"),
        ({"size": 4}, "SingleImageDataset: size=4 must be between 8 and 2048"),
        ({"size": (32, 32)}, "SingleImageDataset: size=[32, 32] must be a whole number"),
        ({"samples": 0}, "SingleImageDataset: samples=0 must be between 1 and"),
        ({"samples": 1e6}, "SingleImageDataset: samples=1000000.0 must be a whole number"),
        ({"seed": -1}, "SingleImageDataset: seed=-1 must be between 0 and"),
        ({"fresh": 1}, "SingleImageDataset: fresh=1 must be true or false"),
        ({"transform": "ToTensor"}, "SingleImageDataset: transform='ToTensor' must be a function of an image, or None"),
        ({"photo": ["china", "coffee"], "samples": 1}, "SingleImageDataset: samples=1 must be at least 2, one a photo"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_argument(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MonoImageError) as error:
        SingleImageDataset(**{"photo": "china", "samples": 4, **arguments})
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_a_file_called_like_a_photo_of_the_catalog_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "china").write_bytes(CATALOG["coffee"].path.read_bytes())
    monkeypatch.chdir(tmp_path)
    dataset = SingleImageDataset("./china", size=16, samples=2)
    assert dataset.photos == [tmp_path / "china"]
    assert dataset[1][0].tobytes() == SingleImageDataset("coffee", size=16, samples=2)[1][0].tobytes()


def test_the_package_lists_it_and_knows_no_other_name() -> None:
    assert "SingleImageDataset" in dir(vissl_monoimage)
    assert vissl_monoimage.SingleImageDataset is SingleImageDataset
    with pytest.raises(AttributeError, match="module 'vissl_monoimage' has no attribute 'SingleImageDatset'"):
        vissl_monoimage.SingleImageDatset  # noqa: B018
