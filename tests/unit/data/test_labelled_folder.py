"""Labelled data sets are found by their name, whatever else is in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from vissl_monoimage.cli.main import main
from vissl_monoimage.data.labelled_folder import find_split, named_folder, open_split
from vissl_monoimage.errors import MonoImageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with CIFAR-100 as torchvision unpacks it, empty."""
    (tmp_path / "cifar-100-python").mkdir()
    return tmp_path


def write_image(folder: Path, split: str) -> None:
    (folder / split / "cat").mkdir(parents=True)
    Image.new("RGB", (40, 40), "red").save(folder / split / "cat" / "0.png")


def test_cifar_100_is_not_taken_for_cifar_10(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "kmeans", f"cifar10={folder}", "-o", str(folder / "out"), "--crops", "64"]) == 2
    assert f"cifar10={folder}: no cifar-10-batches-py/ or train/<class>/ in that folder" in capsys.readouterr().err
    assert not (folder / "out").exists()


@pytest.mark.parametrize("name", ["cifar100", "CIFAR100"])
def test_torchvisions_files_are_found_by_the_name_of_the_data_set(folder: Path, name: str) -> None:
    assert find_split(name, folder, "TRAIN") == ("CIFAR100", folder)


@pytest.mark.parametrize(("split", "part"), [("TRAIN", "train"), ("TEST", "test"), ("TEST", "val")])
def test_class_folders_are_read_beside_files_of_another_data_set(folder: Path, split: str, part: str) -> None:
    write_image(folder, part)
    assert find_split("cifar10", folder, split) == ("", folder / part)
    ((image, label),) = open_split("cifar10", folder, split)
    assert (image.getpixel((0, 0)), label) == ((255, 0, 0), 0)


def test_files_that_cannot_be_read_are_reported(folder: Path) -> None:
    with pytest.raises(MonoImageError, match=f"cifar100={folder}: its images cannot be read: "):
        open_split("cifar100", folder, "TEST")
    (folder / "train").mkdir()
    with pytest.raises(MonoImageError, match=f"pets={folder}: its images cannot be read: "):
        open_split("pets", folder, "TRAIN")


def test_more_classes_than_a_published_data_set_has_are_not_that_data_set(folder: Path) -> None:
    write_image(folder, "train")
    for label in range(10):
        (folder / "train" / "cat").rename(folder / "train" / str(label))
        write_image(folder, "train")
    assert len(open_split("mine", folder, "TRAIN")) == 11
    with pytest.raises(MonoImageError, match="train' has 11 classes, and CIFAR-10 has 10"):
        open_split("cifar10", folder, "TRAIN")


def test_a_named_folder_has_a_name_and_a_folder() -> None:
    assert named_folder("tiny-imagenet=/data/a=b") == ("tiny-imagenet", Path("/data/a=b"))
    assert named_folder("2cats=b") == ("2cats", Path("b"))  # `reproduce --data` takes such names too
    assert [named_folder(text) for text in ("/data/a=b", "cifar10=", "=a", "noise")] == [None] * 4
