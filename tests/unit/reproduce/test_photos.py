"""Photos that are written before a run: images drawn from a data set, and synthetic ones."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.photos import PhotoList
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid


def test_some_images_of_a_data_set_are_drawn_by_seed_and_listed_before_the_run(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path
) -> None:
    for number in range(6):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / "c10" / "train" / f"{number}.png")
    few = {"pretrain": "pretrain/a", "source": "cifar10", "images": 4, "minutes": 5}
    drawn = []
    for chain in plan(read_grid(write(cells={"few": few})), "laptop", inputs):
        assert chain.pretrain
        assert chain.pretrain.photos
        file = chain.pretrain.photos.file
        assert f"config.DATA.TRAIN.DATA_PATHS=[{file}]" in chain.pretrain.overrides
        assert not file.exists()  # planning writes nothing
        chain.pretrain.photos.write()
        drawn.append([path.name for path in find_photos(file)])
        assert file.name == "cifar10_4.txt"  # one experiment, whatever the seed
    assert [len(set(names)) for names in drawn] == [4, 4]
    assert sorted(drawn[0]) != sorted(drawn[1])


def test_images_of_torchvisions_files_are_written_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)  # ours are not the real ones
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": []}))
    for number in range(5):
        batch = {"data": pixels[4 * number : 4 * number + 4].reshape(4, -1), "labels": [0] * 4}
        (folder / f"data_batch_{number + 1}").write_bytes(pickle.dumps(batch))
    photos = PhotoList(tmp_path / "out" / "cifar10_3.txt", tmp_path / "data", 3, 0, "CIFAR10")
    photos.write()
    found = [np.asarray(Image.open(path)).transpose(2, 0, 1) for path in find_photos(photos.file)]
    assert len(found) == 3
    assert all(any((image == other).all() for other in pixels) for image in found)


def test_a_synthetic_photo_is_made_before_the_run(write: Callable[..., str], inputs: Inputs) -> None:
    noise = {"pretrain": "pretrain/a", "source": "white_noise", "minutes": 5}
    first, second = plan(read_grid(write(cells={"noise": noise})), "laptop", inputs)
    assert first.pretrain
    assert first.pretrain.photos
    assert second.pretrain
    assert second.pretrain.photos == first.pretrain.photos  # one photo, other crops
    first.pretrain.photos.write()
    made = np.asarray(Image.open(first.pretrain.photos.file))
    np.testing.assert_array_equal(made, SYNTHETIC["white_noise"](512, 0))
    assert any(str(first.pretrain.photos.file) in override for override in first.pretrain.overrides)


def test_too_few_images_are_refused(tmp_path: Path, inputs: Inputs) -> None:
    photos = PhotoList(tmp_path / "some.txt", tmp_path / "c10" / "train", 4, 0)
    Image.new("RGB", (32, 32)).save(tmp_path / "c10" / "train" / "a.png")
    with pytest.raises(MonoImageError, match="train has 1 images, and 4 are asked for"):
        photos.write()
    assert not photos.file.exists()
