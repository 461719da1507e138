"""Data of finished runs are hashed again as docs/fingerprints.md defines their fingerprints."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vissl_monoimage.plugin  # noqa: F401  # registers our data sources
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.reproduce.data_again import data_hasher

PROBE = "config=benchmark/monoimage/linear_photo_patches"


def json_sha256(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.fixture
def listed(tmp_path: Path, a_row: Callable[..., Row]) -> Row:
    """A row of a run on two JPEGs in an `.npy` list, with labels in another."""
    names = ["b.jpg", "a.jpg"]
    for number, name in enumerate(names):
        Image.new("RGB", (200, 200), (number, 0, 0)).save(tmp_path / name)
    np.save(tmp_path / "images.npy", [str(tmp_path / name) for name in names])
    np.save(tmp_path / "labels.npy", [0, 1])
    train = "config.DATA.TRAIN"
    overrides = [
        PROBE,
        f"{train}.DATA_SOURCES=[disk_filelist]",
        f"{train}.LABEL_SOURCES=[disk_filelist]",
        f"{train}.DATA_PATHS=[{tmp_path}/images.npy]",
        f"{train}.LABEL_PATHS=[{tmp_path}/labels.npy]",
    ]
    return a_row(name=PROBE.partition("=")[2], overrides=overrides)


def by_the_book(folder: Path) -> str:
    """Return the fingerprint of the list, its order and its labels, as the document says."""
    lines = "".join(
        f"{name}\0{hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n" for name in ("a.jpg", "b.jpg")
    )
    images = json_sha256([hashlib.sha256(lines.encode()).hexdigest(), json_sha256(["b.jpg", "a.jpg"])])
    return json_sha256([images, hashlib.sha256((folder / "labels.npy").read_bytes()).hexdigest()])


def test_a_list_its_order_and_its_labels(listed: Row, tmp_path: Path) -> None:
    places, hashed = data_hasher(listed, "train")
    assert places == [f"{tmp_path}/images.npy", f"{tmp_path}/labels.npy"]
    assert hashed() == by_the_book(tmp_path)


def test_damage_that_leaves_size_and_time_is_found(listed: Row, tmp_path: Path) -> None:
    image = tmp_path / "a.jpg"
    os.utime(image, (1e9, 1e9))
    before = data_hasher(listed, "train")[1]()
    content = bytearray(image.read_bytes())
    content[-3] ^= 1
    image.write_bytes(content)
    os.utime(image, (1e9, 1e9))
    after = data_hasher(listed, "train")[1]()
    assert (before == after, after) == (False, by_the_book(tmp_path))


def test_what_is_not_here_is_said(listed: Row, tmp_path: Path) -> None:
    (tmp_path / "labels.npy").unlink()
    with pytest.raises(MonoImageError, match="npy is not found here"):
        data_hasher(listed, "train")


def test_crops_of_a_photo_that_is_not_here_are_not_called_different(tmp_path: Path, a_row: Callable[..., Row]) -> None:
    overrides = ["config=pretrain/monoimage/rotnet_convnet4"]
    overrides += [f"config.DATA.{split}.DATA_PATHS=[{tmp_path}/me.png]" for split in ("TRAIN", "TEST")]
    with pytest.raises(MonoImageError, match="me"):
        data_hasher(a_row(name="rotnet", overrides=overrides), "test")


def test_crops_for_the_test_are_hashed_where_their_photo_is_that_of_training(a_row: Callable[..., Row]) -> None:
    overrides = ["config=pretrain/monoimage/rotnet_convnet4", "config.DATA.TRAIN.DATA_PATHS=[china]"]
    hashes = [
        data_hasher(a_row(name="rotnet", overrides=[*overrides, f"config.DATA.TEST.DATA_PATHS=[{photo}]"]), "test")[1]()
        for photo in ("same_as_train", "china", "chelsea")
    ]
    assert hashes[0] == hashes[1] != hashes[2]
