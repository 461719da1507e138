"""Folders of classes: ImageFolder's labels and order, without what is hidden."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from vissl_monoimage.data.class_images import ClassImages
from vissl_monoimage.errors import MonoImageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, one with a folder in it."""
    for number, name in enumerate(("b/2.png", "b/10.png", "a/x/1.jpg", "a/2.BMP")):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (number, 0, 0)).save(tmp_path / "data" / name)
    return tmp_path / "data"


def test_classes_labels_and_order_are_image_folders(folder: Path) -> None:
    ours, theirs = ClassImages(folder), ImageFolder(str(folder))
    assert (ours.classes, ours.class_to_idx, ours.samples) == (theirs.classes, theirs.class_to_idx, theirs.samples)
    assert ours.paths == ["a/2.BMP", "a/x/1.jpg", "b/10.png", "b/2.png"]
    assert [label for _, label in ours] == [0, 0, 1, 1]


def test_what_is_hidden_is_left_out(folder: Path) -> None:
    before = ClassImages(folder).samples
    for place in (".ipynb_checkpoints", "a/.thumbnails"):
        (folder / place).mkdir()
        shutil.copy(folder / "b" / "2.png", folder / place)
    shutil.copy(folder / "b" / "2.png", folder / "b" / "._2.png")
    (folder / "b" / "Thumbs.db").write_bytes(b"")
    assert len(ImageFolder(str(folder)).samples) == len(before) + 3
    assert ClassImages(folder).samples == before
    hidden = folder.rename(folder.with_name(".data"))
    assert len(ClassImages(hidden)) == len(before)


def test_images_are_read_as_photos_are(folder: Path) -> None:
    levels = np.linspace(0, 65535, 81).reshape(9, 9).astype(np.uint16)
    Image.fromarray(levels).save(folder / "a" / "0.png")
    image, label = ClassImages(folder)[0]
    assert (image.mode, label) == ("RGB", 0)
    assert np.abs(np.asarray(image, int) - (levels / 257)[..., None]).max() <= 1


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        (
            "mkdir data/c",
            "data",
            "'data' has classes without images (.jpg, .jpeg, .png, .ppm, .bmp, .pgm, .tif",
        ),
        ("mkdir none", "none", "'none' has no folders of classes: its images must be in none/<class>/"),
        ("", "data/a/x", "'data/a/x' has no folders of classes: its images must be in data/a/x/<class>/"),
        (
            "mkdir own own/train own/val",
            "own",
            "'own' has folders of splits, 'train', 'val', and not of classes: na",
        ),
        ("", "dat", "there is no folder 'dat' of labelled images: did you mean 'data'?"),
        ("", "data/b/2.png", "there is no folder 'data/b/2.png' of labelled images"),
        ("", "far/away", "there is no folder 'far/away' of labelled images"),
    ],
)
def test_a_folder_without_classes_is_refused(
    change: str, place: str, sentence: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    for name in change.split()[1:]:
        Path(name).mkdir()
    with pytest.raises(MonoImageError) as error:
        ClassImages(Path(place))
    assert str(error.value).startswith(sentence)
