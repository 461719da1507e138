"""Labels before a run: a sentence for each that it could not read, learn or test; silence on those that are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Problems = Callable[..., list[str]]
TRAIN, TEST = "config.DATA.TRAIN", "config.DATA.TEST"
SUPERVISED = (  # ten classes
    "config=pretrain/monoimage/supervised_convnet4",
    f"{TRAIN}.DATASET_NAMES=[animals]",
    f"{TEST}.DATASET_NAMES=[animals]",
)


def folder(path: Path, classes: Sequence[str], images: int = 2) -> Path:
    """A folder of classes, each image of which has a colour of its own."""
    for number, name in enumerate(classes):
        (path / name).mkdir(parents=True, exist_ok=True)
        for image in range(images):
            Image.new("RGB", (32, 32), (20 * number, 100 * image, 7)).save(path / name / f"{image}.png")
    return path


def folders(train: Path, test: Path) -> list[str]:
    overrides = [f"{split}.{key}=[disk_folder]" for split in (TRAIN, TEST) for key in ("DATA_SOURCES", "LABEL_SOURCES")]
    return [*SUPERVISED, *overrides, f"{TRAIN}.DATA_PATHS=[{train}]", f"{TEST}.DATA_PATHS=[{test}]"]


def files(path: Path, train: Any, test: Any = (0, 1, 2)) -> list[str]:
    """Lists of images with files of labels."""
    images = sorted(map(str, folder(path / "images", "abc", 1).rglob("*.png")))
    np.save(path / "images.npy", images)
    overrides = [*SUPERVISED]
    for split, name, labels in ((TRAIN, "train", train), (TEST, "test", test)):
        if labels is not None:
            np.save(path / f"{name}.npy", np.asarray(labels))
        overrides += [f"{split}.{key}=[disk_filelist]" for key in ("DATA_SOURCES", "LABEL_SOURCES")]
        overrides += [f"{split}.DATA_PATHS=[{path}/images.npy]", f"{split}.LABEL_PATHS=[{path}/{name}.npy]"]
    return overrides


def test_the_same_classes_and_fewer_test_classes_are_fine(problems: Problems, tmp_path: Path) -> None:
    train = folder(tmp_path / "train", ("bird", "cat", "dog"))
    assert problems(*folders(train, folder(tmp_path / "same", ("bird", "cat", "dog")))) == []
    assert problems(*folders(train, folder(tmp_path / "fewer", ("cat", "dog")))) == []


def test_a_test_class_that_no_training_image_has_is_refused(problems: Problems, tmp_path: Path) -> None:
    train = folder(tmp_path / "train", ("bird", "cat", "dog"))
    (problem,) = problems(*folders(train, folder(tmp_path / "test", ("bird", "cats", "dog"))))
    where = f"{TEST}.DATA_PATHS: '{tmp_path}/test' has classes that no training image has: 'cats'"
    assert problem == f"{where}; did you mean 'cat'?"


@pytest.mark.parametrize("name", [".ipynb_checkpoints", "@eaDir", ".git", "__MACOSX"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_folder_that_a_program_left_is_no_class(problems: Problems, tmp_path: Path, name: str, split: str) -> None:
    train, test = (folder(tmp_path / name, ("cat", "dog")) for name in ("train", "test"))
    folder(tmp_path / split, (name,))
    assert f"'{tmp_path}/{split}/{name}' would count as a class: remove it" in "\n".join(
        problems(*folders(train, test))
    )


def test_an_empty_folder_and_a_single_class_are_refused(problems: Problems, tmp_path: Path) -> None:
    train, test = folder(tmp_path / "train", ("cat",)), folder(tmp_path / "test", ("cat",))
    assert problems(*folders(train, test)) == [
        f"{TRAIN}.DATA_PATHS: '{train}' has one class, 'cat': a classifier needs at least two"
    ]
    (train / "dog").mkdir()
    assert f"there is no image in '{train}/dog', the folder of a class" in "\n".join(problems(*folders(train, test)))


def test_a_method_without_labels_may_have_one_folder(problems: Problems, tmp_path: Path) -> None:
    images = folder(tmp_path / "train", ("dummy",))
    rotnet = ["config=pretrain/monoimage/rotnet_convnet4", f"{TRAIN}.DATA_PATHS=[{images}]", "config.TEST_MODEL=false"]
    assert problems(*rotnet, f"{TRAIN}.DATA_SOURCES=[disk_folder]") == []


@pytest.mark.parametrize(
    "labels", [[0, 1, 2], [0, 9, 3], ["cat", "dog", "bird"], np.array([0, 1, 2], np.uint8), [-1, 0, 1]]
)
def test_names_and_numbers_from_0_are_fine(problems: Problems, tmp_path: Path, labels: Any) -> None:
    """-1 is what VISSL's loss leaves out."""
    assert problems(*files(tmp_path, labels, labels)) == []


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        (
            [1, 2, 10],
            [1, 2, 10],
            "has labels up to 10, and alexnet_fc (config.MODEL.HEAD.PARAMS) has 10 outputs: classes",
        ),
        ([0, 2, 10], [0, 2, 10], "has labels up to 10, and alexnet_fc (config.MODEL.HEAD.PARAMS) has 10 outputs"),
        ([0, 1, -2], [0, 1, 1], "has the label -2: classes are numbered from 0"),
        ([4, 4, 4], [4, 4, 4], "has one class, '4': a classifier needs at least two"),
        ([0, 1, 1], [0, 1, 2], "has classes that no training image has: '2'"),
        (
            ["cat", "dog", "dog"],
            ["cat", "dgo", "dog"],
            "has classes that no training image has: 'dgo'; did you mean 'dog'",
        ),
        ([0, 1], [0, 1, 1], "has 2 labels for 3 images"),
        ([0.0, 1.0, 2.0], [0, 1, 2], "holds an array of float64 of shape (3,)"),
        (np.array([0, "cat", 2], dtype=object), [0, 1, 2], "holds Python objects, which could run code"),
        (None, [0, 1, 2], "there is no file '"),
        ([[1, 0, 1], [0, 1, 1], [1, 0, 0]], [0, 1, 2], "has images with several of 3 labels, and accuracy_list_meter"),
    ],
)
def test_labels_that_cannot_be_learned_are_one_sentence(
    problems: Problems, tmp_path: Path, train: Any, test: Any, expected: str
) -> None:
    found = problems(*files(tmp_path, train, test))
    assert any(expected in problem for problem in found), found
    assert all(str(tmp_path) in problem and "\n" not in problem for problem in found)


def test_one_label_for_each_image_written_as_zeros_and_ones_is_fine(problems: Problems, tmp_path: Path) -> None:
    assert problems(*files(tmp_path, np.eye(3, 10, dtype=int), np.eye(3, 10, dtype=int))) == []


@pytest.mark.parametrize("split", [TRAIN, TEST])
@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("[]", "LABEL_SOURCES=[] is empty"),
        ("[disk_foldr]", "'disk_foldr': did you mean 'disk_folder'?"),
        ("['']", "unknown label source"),
        ("[torchvision_dataset]", "the data source disk_folder has no labels of its own"),
        ("[disk_folder,disk_folder]", "has more entries than DATA_SOURCES"),
        ("[disk_filelist]", "names no file"),
    ],
)
def test_sources_of_labels_that_do_not_fit_are_refused(
    problems: Problems, tmp_path: Path, split: str, sources: str, expected: str
) -> None:
    train = folder(tmp_path / "train", ("cat", "dog"))
    found = problems(*folders(train, train), f"{split}.LABEL_SOURCES={sources}")
    assert any(expected in problem for problem in found), found


def test_labels_of_folders_need_images_of_folders(problems: Problems, tmp_path: Path) -> None:
    found = problems(*files(tmp_path, [0, 1, 2]), f"{TRAIN}.LABEL_SOURCES=[disk_folder]")
    assert any("disk_folder takes labels from folders, and DATA_SOURCES has disk_filelist" in line for line in found)


# DATA_LIMIT


@pytest.mark.parametrize(
    ("limit", "overrides", "expected"),
    [
        (6, (), None),
        (7, (), "DATA_LIMIT=7 is more than the 6 images: at most 6, or -1 for all"),
        (4, ("SKIP_NUM_SAMPLES=2",), None),
        (5, ("SKIP_NUM_SAMPLES=2",), "DATA_LIMIT=5, after DATA_LIMIT_SAMPLING.SKIP_NUM_SAMPLES=2, is more than the 6"),
        (6, ("IS_BALANCED=true",), None),
        (3, ("IS_BALANCED=true", "SKIP_NUM_SAMPLES=3"), None),
        (2, ("IS_BALANCED=true",), "takes less than one image of each of the 3 classes: give at least 3"),
        (7, ("IS_BALANCED=true",), "with IS_BALANCED=true takes 3 images of class 0, which has 2"),
        (4, ("IS_BALANCED=true", "SKIP_NUM_SAMPLES=3"), "takes 3 images of class 0, which has 2"),
    ],
)
@pytest.mark.parametrize("source", ["folder", "file"])
def test_a_limit_within_the_images_is_fine_and_one_above_is_refused(
    problems: Problems, tmp_path: Path, source: str, limit: int, overrides: Sequence[str], expected: str | None
) -> None:
    """What is refused here is what VISSL's own sampling refuses, and nothing else."""
    images = folder(tmp_path / "train", ("bird", "cat", "dog"))
    run = folders(images, images)
    if source == "file":
        run = files(tmp_path, [0, 1, 2])
        np.save(tmp_path / "images.npy", [str(path) for path in sorted(images.rglob("*.png"))])
        np.save(tmp_path / "train.npy", [0, 0, 1, 1, 2, 2])
        np.save(tmp_path / "test.npy", [0, 0, 1, 1, 2, 2])
    run += [f"{TRAIN}.DATA_LIMIT={limit}", *(f"{TRAIN}.DATA_LIMIT_SAMPLING.{override}" for override in overrides)]
    found = problems(*run)
    if expected is None:
        assert found == []
    else:
        (problem,) = found
        assert expected in problem
    assert sampled_by_vissl(limit, overrides) is (expected is None)


def sampled_by_vissl(limit: int, overrides: Sequence[str]) -> bool:
    from vissl.data.data_helper import balanced_sub_sampling, unbalanced_sub_sampling

    skip = next((int(override[-1]) for override in overrides if "SKIP" in override), 0)
    try:
        if "IS_BALANCED=true" in overrides:
            balanced_sub_sampling(np.array([0, 0, 1, 1, 2, 2]), limit, skip)
        else:
            unbalanced_sub_sampling(6, limit, skip)
    except (AssertionError, ValueError):
        return False
    return True


@pytest.mark.parametrize(("samples", "expected"), [(500, False), (501, True)])
def test_a_limit_above_the_number_of_crops_is_refused(problems: Problems, samples: int, expected: bool) -> None:
    rotnet = ["config=pretrain/monoimage/rotnet_convnet4", "config.MONOIMAGE.SOURCE.NUM_SAMPLES=500"]
    assert bool(problems(*rotnet, f"{TRAIN}.DATA_LIMIT={samples}")) is expected
