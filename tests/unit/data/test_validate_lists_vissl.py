"""Lists of images before a run: missing files and lists that VISSL could not read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from omegaconf import OmegaConf
from PIL import Image
from vissl.config import AttrDict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.disk_images_vissl import DiskImages
from vissl_monoimage.errors import MonoImageError

Problems = Callable[..., list[str]]
SUPERVISED = "config=pretrain/monoimage/supervised_convnet4"  # ten classes
NAMES = [f"{number}.png" for number in range(8)]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in NAMES:
        Image.new("RGB", (32, 32)).save(tmp_path / "images" / name)
    return tmp_path / "images"


def overrides(listed: Path, folder: Path, count: int = len(NAMES)) -> list[str]:
    np.save(folder / "labels.npy", np.arange(count) % 2)
    values = {"DATA_SOURCES": "disk_filelist", "LABEL_SOURCES": "disk_filelist", "DATA_PATHS": listed}
    values["LABEL_PATHS"] = folder / "labels.npy"
    values["DATASET_NAMES"] = "mine"
    return [
        SUPERVISED,
        *(f"config.DATA.{split}.{key}=[{value}]" for split in ("TRAIN", "TEST") for key, value in values.items()),
    ]


def test_a_list_of_files_that_are_there_is_taken(problems: Problems, images: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "list.npy", np.array([str(images / name) for name in NAMES]))
    assert problems(*overrides(tmp_path / "list.npy", tmp_path)) == []
    np.save(tmp_path / "list.npy", np.array([f"old/{name}" for name in NAMES]))
    prefix = [
        f"config.DATA.{split}.{key}={value}"
        for split in ("TRAIN", "TEST")
        for key, value in (("REMOVE_IMG_PATH_PREFIX", "old"), ("NEW_IMG_PATH_PREFIX", images))
    ]
    assert problems(*overrides(tmp_path / "list.npy", tmp_path), *prefix) == []


def test_missing_images_are_counted_and_named_before_the_run(problems: Problems, images: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "list.npy", np.array([str(images / name) for name in NAMES]))
    for name in NAMES[2:6]:
        (images / name).unlink()
    told = problems(*overrides(tmp_path / "list.npy", tmp_path))
    named = ", ".join(f"'{images}/{name}'" for name in NAMES[2:5])
    assert told == [
        f"config.DATA.{split}.DATA_PATHS: of the 8 images in '{tmp_path}/list.npy', 4 are missing: {named}"
        for split in ("TRAIN", "TEST")
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (np.array(["a.png", None], dtype=object), r"save it as numpy.save(path, numpy.array(paths))"),
        (np.arange(8), "holds an array of int64 of shape (8,), not a list of paths"),
        (np.array([["a.png"]]), "of shape (1, 1), not a list of paths"),
        (b"no array", "cannot be read as a NumPy file of paths"),
    ],
)
def test_a_file_that_is_no_list_is_refused(problems: Problems, tmp_path: Path, content: Any, sentence: str) -> None:
    path = tmp_path / "list.npy"
    path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content)
    told = problems(*overrides(path, tmp_path))
    assert any(f"'{path}'" in problem and sentence in problem for problem in told), told


class Code:
    """Makes a file where it is unpickled."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.made,)


@pytest.mark.parametrize("name", ["list.pkl", "list.pickle", "list.npy", "list.json", "list.yaml"])
def test_code_in_a_list_is_never_run(problems: Problems, tmp_path: Path, name: str) -> None:
    path, made = tmp_path / name, tmp_path / "made"
    path.write_bytes(pickle.dumps([Code(made)]))
    told = problems(*overrides(path, tmp_path))
    assert any(f"'{path}'" in problem and " of paths" in problem for problem in told), told
    composed = compose_config(overrides(path, tmp_path))
    config = AttrDict(OmegaConf.to_container(composed.config, resolve=True))
    with pytest.raises(MonoImageError, match=name):
        DiskImages(config, "disk_filelist", str(path), "TRAIN", "mine")
    assert not made.exists()


@pytest.mark.parametrize(("name", "write"), [("list.json", json.dumps), ("list.yaml", yaml.safe_dump)])
def test_lists_may_be_json_or_yaml(
    problems: Problems, images: Path, tmp_path: Path, name: str, write: Callable[[Any], str]
) -> None:
    (tmp_path / name).write_text(write([str(images / name) for name in NAMES]))
    assert problems(*overrides(tmp_path / name, tmp_path)) == []
    (tmp_path / name).write_text(write({"a.png": 1}))
    assert any(
        "does not hold a list of paths" in problem for problem in problems(*overrides(tmp_path / name, tmp_path))
    )


def test_a_list_of_another_format_is_refused(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.png\n")
    told = problems(*overrides(tmp_path / "list.txt", tmp_path))
    assert any("list.txt' must be a list of paths as .npy, .json" in problem for problem in told), told
