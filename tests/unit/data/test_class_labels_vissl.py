"""A class of the test images has the number that it has among the training images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.training.seeding import SeededSSLDataset

CLASSES = ("ape", "bee", "cow", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "kite")  # 11: "10" sorts before "2"


@pytest.fixture(scope="module")
def config() -> Any:
    return convert_to_attrdict(compose_config(["config=pretrain/monoimage/supervised_convnet4"]), dump_config=False)[1]


def labels(config: Any, split: str) -> list[int]:
    dataset = SeededSSLDataset(config, split, DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    return [int(dataset[index]["label"][0]) for index in range(len(dataset))]


def take_folders(config: Any, train: Path, test: Path) -> None:
    for split, path in (("TRAIN", train), ("TEST", test)):
        config.DATA[split].update(
            DATA_SOURCES=["disk_folder"], LABEL_SOURCES=["disk_folder"], DATA_PATHS=[str(path)], LABEL_PATHS=[""]
        )


def folder(path: Path, classes: list[str]) -> Path:
    for name in classes:
        (path / name).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(path / name / "a.png")
    return path


def test_missing_classes_shift_no_other(config: Any, tmp_path: Path) -> None:
    train = folder(tmp_path / "train", list(CLASSES))
    for number, held in enumerate([["bee", "cow"], ["kite"], ["ape", "jay"], list(CLASSES)]):
        take_folders(config, train, folder(tmp_path / str(number), held))
        assert labels(config, "TEST") == [CLASSES.index(name) for name in held]
    assert labels(config, "TRAIN") == list(range(11))


def test_complete_folders_are_numbered_as_by_torchvision(config: Any, tmp_path: Path) -> None:
    """Committed rows of probes on folders depend on it."""
    from torchvision.datasets import ImageFolder

    names = [str(number) for number in range(11)]
    train, test = folder(tmp_path / "train", names), folder(tmp_path / "test", names)
    take_folders(config, train, test)
    for split, path in (("TRAIN", train), ("TEST", test)):
        assert labels(config, split) == [label for _, label in ImageFolder(str(path)).samples]


def test_a_class_that_no_training_image_has_stops_a_run_that_was_not_checked(config: Any, tmp_path: Path) -> None:
    take_folders(config, folder(tmp_path / "train", ["ape", "bee"]), folder(tmp_path / "test", ["ape", "bea"]))
    with pytest.raises(MonoImageError, match="classes that no training image has: 'bea'; did you mean 'bee'"):
        labels(config, "TEST")


def test_without_training_images_the_test_images_number_themselves(config: Any, tmp_path: Path) -> None:
    take_folders(config, tmp_path / "gone", folder(tmp_path / "test", ["bee", "cow"]))
    assert labels(config, "TEST") == [0, 1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(CLASSES), min_size=2, max_size=9), st.data())
def test_names_in_files_are_numbered_by_the_training_file(
    config: Any, tmp_path: Path, train: list[str], data: st.DataObject
) -> None:
    test = data.draw(st.lists(st.sampled_from(train), min_size=1, max_size=5))
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    for split, names in (("TRAIN", train), ("TEST", test)):
        np.save(tmp_path / f"{split}_labels.npy", names)
        np.save(tmp_path / f"{split}.npy", [str(tmp_path / "a.png")] * len(names))
        config.DATA[split].update(
            DATA_SOURCES=["disk_filelist"],
            LABEL_SOURCES=["disk_filelist"],
            DATA_PATHS=[str(tmp_path / f"{split}.npy")],
            LABEL_PATHS=[str(tmp_path / f"{split}_labels.npy")],
        )
    order = sorted(set(train))
    assert labels(config, "TRAIN") == [order.index(name) for name in train]
    assert labels(config, "TEST") == [order.index(name) for name in test]


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "int16"])
def test_numbers_in_files_are_themselves_whatever_their_type(config: Any, tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    np.save(tmp_path / "labels.npy", np.array([7, 0, 9], kind))
    np.save(tmp_path / "images.npy", [str(tmp_path / "a.png")] * 3)
    config.DATA.TEST.update(
        DATA_SOURCES=["disk_filelist"],
        LABEL_SOURCES=["disk_filelist"],
        DATA_PATHS=[str(tmp_path / "images.npy")],
        LABEL_PATHS=[str(tmp_path / "labels.npy")],
    )
    dataset = SeededSSLDataset(config, "TEST", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)
    assert [dataset[index]["label"][0] for index in range(3)] == [7, 0, 9]
    assert dataset[0]["label"][0].dtype == np.int64
