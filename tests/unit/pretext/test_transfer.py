"""Pretext tasks measured on images that were not trained on, and what such a measurement must not change."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from vissl.data.ssl_transforms import get_transform
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.crops.sample import TEST
from vissl_monoimage.data.crops.settings import read_source_block
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.task_vissl import images_seen
from vissl_monoimage.pretext.bigan.task import BiGANTask
from vissl_monoimage.pretext.deepcluster.pseudo_labels import image_of
from vissl_monoimage.pretext.deepcluster.task import DeepClusterTask
from vissl_monoimage.pretext.rotnet import four_rotations_collator
from vissl_monoimage.pretext.transfer.image_sets import (
    CANDIDATES,
    OWN,
    PROBE_DATA,
    UNSEEN_PHOTOS,
    ImageSet,
    image_sets,
)
from vissl_monoimage.pretext.transfer.measure import measure_transfer
from vissl_monoimage.pretext.transfer.measures import adjusted_mutual_information, cluster_agreement
from vissl_monoimage.training.task import MonoImageTask

IMAGES = 10
TASKS = {"rotnet_convnet4": MonoImageTask, "deepcluster_convnet4": DeepClusterTask, "monogan_cifar": BiGANTask}


def a_task(name: str, *overrides: str) -> Any:
    """Return the task of a pretraining on ten crops, with its data sets and its model."""
    words = [f"config=pretrain/monoimage/{name}", "+config/monoimage=smoke", f"config.DATA.TRAIN.DATA_LIMIT={IMAGES}"]
    composed = compose_config([*words, *overrides])
    assert isinstance(composed, DictConfig)
    config = convert_to_attrdict(composed, dump_config=False)[1]
    task = TASKS[name](config)
    task.available_splits = ["TRAIN", "TEST"] if config.TEST_MODEL else ["TRAIN"]
    task.datasets = task.build_datasets()[0]
    task.base_model = task._build_model()
    return task


@pytest.fixture(scope="module")
def tasks() -> dict[str, Any]:
    return {name: a_task(name) for name in TASKS}


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled data set: in its test split 12 images of 48 x 40 px."""
    folder, draw = tmp_path_factory.mktemp("pets"), np.random.default_rng(0)
    for number in range(12):
        (folder / "test" / f"class{number % 2}").mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "test" / f"class{number % 2}" / f"{number:02}.png")
    return folder


def test_the_accuracy_of_rotations_is_that_of_the_trainings_own_transforms_and_collator(tasks: dict[str, Any]) -> None:
    """The test split of the training is the set of the photo's other crops."""
    task = tasks["rotnet_convnet4"]
    source = task.datasets["test"].data_objs[0]
    each = task.datasets["test"].transform
    then = get_transform(
        [item for item in task.config.DATA.TEST.TRANSFORMS if item["name"] in ("ToTensor", "Normalize")]
    )
    right = 0
    for index in range(IMAGES):
        sample = {"data": [source[index][0]], "label": [0], "data_valid": [1], "data_idx": [index]}
        (rotated,) = four_rotations_collator([then(each(sample))])["data"]
        with torch.no_grad():
            logits = task.base_model.eval()(rotated)[0]
        right += int((logits.argmax(1) == torch.arange(4)).sum())
    assert measure_transfer(task)[OWN] == {"rotation_accuracy": pytest.approx(100 * right / (4 * IMAGES))}


def test_other_photos_are_four_that_were_not_trained_on(tasks: dict[str, Any]) -> None:
    task = tasks["rotnet_convnet4"]
    (photo,) = task.config.DATA.TRAIN.DATA_PATHS
    others = [name for name in CANDIDATES if name != photo][:4]
    assert len(others) == 4
    assert photo in CANDIDATES
    settings = read_source_block({**task.config.MONOIMAGE.SOURCE, "TEST_SAMPLES": IMAGES})
    expected = SingleImageCrops(others, settings, TEST)
    images = dict(image_sets(task))[UNSEEN_PHOTOS]()
    assert images
    assert (images.count, images.photos) == (IMAGES, 4)
    assert [images.image(index).tobytes() for index in range(IMAGES)] == [crop.tobytes() for crop in expected]


def test_crops_of_the_same_photo_were_not_trained_on(tasks: dict[str, Any]) -> None:
    task = tasks["deepcluster_convnet4"]
    images = dict(image_sets(task))[OWN]()
    assert images
    trained_on = {image_of(task.datasets["train"], index).tobytes() for index in range(IMAGES)}
    assert trained_on.isdisjoint(images.image(index).tobytes() for index in range(IMAGES))


def test_images_of_a_data_set_have_the_size_of_crops_and_are_spread_over_its_classes(data_set: Path) -> None:
    task = a_task("rotnet_convnet4", f"+config.MONOIMAGE.TRANSFER_DATA='pets={data_set}'")
    images = dict(image_sets(task))[PROBE_DATA]()
    assert images
    assert images.count == IMAGES
    assert {images.image(index).size for index in range(IMAGES)} == {(32, 32)}
    first, last = (Image.open(data_set / "test" / name) for name in ("class0/00.png", "class1/11.png"))
    for index, picture in ((0, first), (IMAGES - 1, last)):
        resized = picture.resize((38, 32), Image.Resampling.BILINEAR).crop((3, 0, 35, 32))
        assert images.image(index).tobytes() == resized.tobytes()


def test_a_training_on_a_data_set_is_measured_on_its_test_split(data_set: Path, tmp_path: Path) -> None:
    task = a_task(
        "rotnet_convnet4",
        *(f"config.DATA.{split}.DATA_SOURCES=[disk_folder]" for split in ("TRAIN", "TEST")),
        *(f"config.DATA.{split}.DATA_PATHS=[{data_set}/test]" for split in ("TRAIN", "TEST")),
    )
    images = dict(image_sets(task))[OWN]()
    assert images
    assert images.image(0).tobytes() == Image.open(data_set / "test" / "class0" / "00.png").tobytes()
    task.config.MONOIMAGE.TRANSFER_DATA = f"pets={data_set}"
    assert dict(image_sets(task))[PROBE_DATA]() is None  # the same images
    for files in ("cifar-10-batches-py", "cifar-100-python"):
        (tmp_path / files).mkdir()
    own = task.datasets["test"]
    own.data_paths, own.dataset_names = [str(tmp_path)], ["CIFAR10"]
    task.config.MONOIMAGE.TRANSFER_DATA = f"cifar10={tmp_path}"
    assert dict(image_sets(task))[PROBE_DATA]() is None
    task.config.MONOIMAGE.TRANSFER_DATA = f"cifar100={tmp_path}"
    with pytest.raises(MonoImageError, match="its images cannot be read"):
        dict(image_sets(task))[PROBE_DATA]()


def test_a_training_on_a_photo_is_measured_on_a_data_set_that_is_its_test_split_too(data_set: Path) -> None:
    task = a_task(
        "rotnet_convnet4",
        f"+config.MONOIMAGE.TRANSFER_DATA='pets={data_set}'",
        "config.DATA.TEST.DATA_SOURCES=[disk_folder]",
        f"config.DATA.TEST.DATA_PATHS=[{data_set}/test]",
    )
    assert dict(image_sets(task))[PROBE_DATA]()


@pytest.mark.parametrize("name", TASKS)
def test_a_measurement_changes_neither_weights_nor_modes_nor_random_numbers(tasks: dict[str, Any], name: str) -> None:
    task = tasks[name]
    task.base_model.train()
    task.base_model.trunk.eval()
    before = {key: value.clone() for key, value in task.base_model.state_dict().items()}
    states = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state()
    results = measure_transfer(task)
    assert list(results) == [OWN, UNSEEN_PHOTOS]
    assert all(torch.equal(value, before[key]) for key, value in task.base_model.state_dict().items())
    assert (task.base_model.heads.training, task.base_model.trunk.training) == (True, False)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tobytes() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])
    assert measure_transfer(task) == results


class ByBrightness(nn.Module):
    """Logits of two clusters, dark and light images."""

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        bright = images.mean((1, 2, 3))
        return [torch.stack([-bright, bright], dim=1)]


@pytest.fixture
def dark_and_light() -> ImageSet:
    pictures = [Image.new("RGB", (32, 32), colour) for colour in ("black", "white")]
    return ImageSet(IMAGES, lambda index: pictures[index % 2], photos=2)


def clustered(task: Any, model: nn.Module, images: ImageSet, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    monkeypatch.setattr(task, "base_model", model)
    return cluster_agreement(task, images)


def test_clusters_that_follow_the_photo_agree_between_views_and_with_the_photo(
    tasks: dict[str, Any], dark_and_light: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = clustered(tasks["deepcluster_convnet4"], ByBrightness(), dark_and_light, monkeypatch)
    assert numbers == {"same_cluster": 100.0, "view_ami": 1.0, "clusters": 2.0, "photo_ami": 1.0}


def test_a_single_cluster_is_no_agreement(
    tasks: dict[str, Any], dark_and_light: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = nn.Sequential(ByBrightness())
    one.forward = lambda images: [torch.zeros(len(images), 2)]  # type: ignore[method-assign]
    numbers = clustered(tasks["deepcluster_convnet4"], one, dark_and_light, monkeypatch)
    assert numbers == {"same_cluster": 100.0, "view_ami": 0.0, "clusters": 1.0, "photo_ami": 0.0}


def test_unrelated_clusters_have_no_mutual_information_however_many_they_are() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 200, 1000), draw.integers(0, 200, 1000)
    assert abs(adjusted_mutual_information(first, second)) < 0.05  # NMI would be 0.8
    assert adjusted_mutual_information(first, (first * 7 + 3) % 200) == pytest.approx(1)


def test_the_reconstruction_error_is_the_mean_over_all_images(
    tasks: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vissl_monoimage.pretext.transfer.measures.BATCH", 4)
    task = tasks["monogan_cifar"]
    images = dict(image_sets(task))[OWN]()
    assert images
    x = torch.stack([torch.from_numpy(np.array(images.image(index))) for index in range(IMAGES)])
    x = x.permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)))
    model = task.base_model.eval()
    with torch.no_grad():
        drawn = model.heads[0].generator(model((x - mean) / std)[0]) * std + mean
    error = float(F.mse_loss(drawn.clamp(0, 1), x))
    assert measure_transfer(task)[OWN]["reconstruction_error"] == pytest.approx(error, rel=1e-4)


def test_what_cannot_be_measured_is_a_line_and_the_rest_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = a_task("rotnet_convnet4", f"+config.MONOIMAGE.TRANSFER_DATA='cifar10={tmp_path}'")
    assert list(measure_transfer(task)) == [OWN, UNSEEN_PHOTOS]
    said = f"not measured on probe data: MonoImageError: config.MONOIMAGE.TRANSFER_DATA=cifar10={tmp_path}: no cifar-10"
    assert said in capsys.readouterr().err


def test_the_name_of_a_data_set_decides_which_of_two_in_a_folder_is_measured(
    data_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    task = a_task("rotnet_convnet4", f"+config.MONOIMAGE.TRANSFER_DATA='cifar100={tmp_path}'")
    assert list(measure_transfer(task)) == [OWN, UNSEEN_PHOTOS]
    assert f"cifar100={tmp_path}: no cifar-100-python/ or test or val/<class>/" in capsys.readouterr().err
    (tmp_path / "test").symlink_to(data_set / "test")
    images = dict(image_sets(task))[PROBE_DATA]()
    assert images
    assert images.image(0).size == (32, 32)


def test_a_folder_without_a_name_is_refused(data_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = a_task("rotnet_convnet4", f"+config.MONOIMAGE.TRANSFER_DATA={data_set}")
    assert list(measure_transfer(task)) == [OWN, UNSEEN_PHOTOS]
    assert f"TRANSFER_DATA={data_set} must be NAME=FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize("name", TASKS)
def test_images_seen_are_the_images_of_all_batches(
    name: str, tasks: dict[str, Any], make_loader: Callable[[Any], DataLoader[Any]]
) -> None:
    task = tasks[name]
    counts = [sum(map(len, batch["data"])) for batch in make_loader(task)]
    task.num_train_phases = 3
    task.iteration = 3 * len(counts)
    assert images_seen(task) == 3 * sum(counts)


@pytest.fixture
def make_loader() -> Callable[[Any], DataLoader[Any]]:
    """A loader of a task's training split with the collator and the batches of its configuration."""
    from vissl.data.collators import get_collator

    def make(task: Any) -> DataLoader[Any]:
        train = task.config.DATA.TRAIN
        collate = get_collator(train.COLLATE_FUNCTION, train.COLLATE_FUNCTION_PARAMS)
        batch = train.BATCHSIZE_PER_REPLICA
        return DataLoader(task.datasets["train"], batch, collate_fn=collate, drop_last=train.DROP_LAST)

    return make
