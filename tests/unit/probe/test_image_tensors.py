"""Batches made from one array of pixels, against VISSL's own samples."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # adapts VISSL before it is imported

# isort: split
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from torch.utils.data import Subset
from vissl.config import AttrDict
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data import decoded_images
from vissl_monoimage.probe.configure import configure_probe
from vissl_monoimage.probe.image_tensors import image_tensors
from vissl_monoimage.training.seeding import SeededSSLDataset


@pytest.fixture(scope="module")
def composed() -> Any:
    overrides = ["config=benchmark/monoimage/linear_cifar10", "config.DATA.TRAIN.DATA_SOURCES=[disk_folder]"]
    config = compose_config([*overrides, "config.DATA.TRAIN.LABEL_SOURCES=[disk_folder]"]).config
    return OmegaConf.to_container(config, resolve=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nine images of 32 px in three classes."""
    monkeypatch.setattr(decoded_images, "_kept", [])
    draw = np.random.default_rng(0)
    for number in range(9):
        file = tmp_path / "train" / f"class{number % 3}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (32, 32, 3), np.uint8)).save(file)
    return tmp_path / "train"


def dataset(composed: Any, folder: Path, **changes: Any) -> SeededSSLDataset:
    config = AttrDict(composed)
    configure_probe(config)
    config.DATA.TRAIN.update(DATA_PATHS=[str(folder)], LABEL_PATHS=[""], DATASET_NAMES=["mine"], **changes)
    return SeededSSLDataset(config, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)


def paths(folder: Path) -> list[str]:
    return sorted(map(str, folder.glob("*/*")))


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("limit", [-1, 5])
@pytest.mark.parametrize("part", [None, [4, 1, 1]])
def test_the_tensors_are_vissls_to_the_bit(
    composed: Any, folder: Path, kept: bool, limit: int, part: list[int] | None
) -> None:
    images: Any = dataset(composed, folder, DATA_LIMIT=limit)
    images = Subset(images, part) if part else images
    if kept:
        decoded_images.keep_decoded(paths(folder))
    tensors = image_tensors(images)
    assert tensors
    data, labels = tensors.batch(slice(1, None))
    expected = [images[index] for index in range(1, len(images))]
    assert torch.equal(data, torch.stack([sample["data"][0] for sample in expected]))
    assert labels.tolist() == [sample["label"][0] for sample in expected]


@pytest.mark.parametrize("part", [None, [4, 1, 1]])
def test_the_tensors_of_photo_patches_are_vissls_to_the_bit(part: list[int] | None) -> None:
    sizes = ["config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=6", "config.MONOIMAGE.PATCHES.SIZE=64"]
    composed = compose_config(["config=benchmark/monoimage/linear_photo_patches", *sizes]).config
    config = AttrDict(OmegaConf.to_container(composed, resolve=True))
    configure_probe(config)
    images: Any = SeededSSLDataset(config, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    images = Subset(images, part) if part else images
    tensors = image_tensors(images)
    assert tensors
    data, labels = tensors.batch(slice(None))
    expected = [images[index] for index in range(len(images))]
    assert torch.equal(data, torch.stack([sample["data"][0] for sample in expected]))
    assert labels.tolist() == [sample["label"][0] for sample in expected]


def test_kept_pixels_of_a_changed_file_are_not_used(composed: Any, folder: Path) -> None:
    decoded_images.keep_decoded(paths(folder))
    assert decoded_images.kept_images(paths(folder)) is not None
    file = Path(paths(folder)[3])
    Image.new("RGB", (32, 32), "red").save(file)
    os.utime(file, ns=(0, 0))
    assert decoded_images.kept_images(paths(folder)) is None
    tensors = image_tensors(dataset(composed, folder))
    assert tensors
    assert torch.equal(tensors.batch(slice(3, 4))[0][0], dataset(composed, folder)[3]["data"][0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: Image.new("RGB", (33, 32)).save(file),
        lambda file: Image.new("I;16", (32, 32)).save(file),  # its conversion is said in the log
        lambda file: file.write_bytes(b"no image"),
    ],
)
def test_images_that_do_not_fit_one_array_are_left_to_the_loader(composed: Any, folder: Path, spoil: Any) -> None:
    spoil(Path(paths(folder)[7]))
    decoded_images.keep_decoded(paths(folder))
    assert image_tensors(dataset(composed, folder)) is None


@pytest.mark.parametrize(
    "transforms",
    [
        [{"name": "Resize", "size": 40}, {"name": "ToTensor"}],
        [{"name": "CenterCrop", "size": 32}, {"name": "ToTensor"}],
        [{"name": "Resize", "size": 32, "interpolation": 3}, {"name": "ToTensor"}],
        [{"name": "ToTensor"}, {"name": "Grayscale", "num_output_channels": 3}],
    ],
)
def test_other_transforms_are_left_to_vissl(composed: Any, folder: Path, transforms: list[Any]) -> None:
    normalise = {"name": "Normalize", "mean": [0.5] * 3, "std": [0.2] * 3}
    assert image_tensors(dataset(composed, folder, TRANSFORMS=[{"name": "ToTensor"}, normalise])) is not None
    assert image_tensors(dataset(composed, folder, TRANSFORMS=[*transforms, normalise])) is None


def test_loader_workers_decode_what_is_not_kept(composed: Any, folder: Path) -> None:
    images = dataset(composed, folder)
    images.cfg["DATA"]["NUM_DATALOADER_WORKERS"] = 2
    assert image_tensors(images) is None
    decoded_images.keep_decoded(paths(folder))
    assert image_tensors(images) is not None
