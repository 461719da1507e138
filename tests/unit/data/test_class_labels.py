"""Labels of images on the disk: read without running anything, and numbered by the training images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vissl_monoimage.data.class_labels import folder_classes, number_classes, read_labels
from vissl_monoimage.errors import MonoImageError


@given(st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True), st.data())
def test_a_class_has_its_number_whatever_other_classes_are_missing(classes: list[str], data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.sampled_from(classes), min_size=1, max_size=20))
    names = [name.rstrip("\0") for name in classes]
    if len(set(names)) < len(names):  # NumPy drops NULs at the end
        return
    numbers = number_classes([name.rstrip("\0") for name in labels], names, "x")
    assert numbers.tolist() == [classes.index(name) for name in labels]
    assert numbers.dtype == np.int64


def test_an_unknown_class_is_named_with_its_nearest_match() -> None:
    with pytest.raises(MonoImageError) as caught:
        number_classes(["cat", "dgo", "cat"], ["bird", "cat", "dog"], "'test'")
    assert str(caught.value) == "'test' has classes that no training image has: 'dgo'; did you mean 'dog'?"
    with pytest.raises(MonoImageError, match=r"'x1', .*'x6' and 3 more; they have 'bird', 'cat'$"):
        number_classes([f"x{number}" for number in range(1, 10)], ["bird", "cat"], "'test'")


def test_folders_are_in_torchvisions_order(tmp_path: Path) -> None:
    from torchvision.datasets.folder import find_classes

    for name in ("b", "B", "10", "9", "_", "é"):
        (tmp_path / name).mkdir()
    (tmp_path / "a.txt").touch()
    assert folder_classes(tmp_path) == find_classes(str(tmp_path))[0]


@pytest.mark.parametrize("labels", [[3, 1, 2], ["dog", "cat"], np.array([1, 0], np.uint8), np.eye(3, dtype=int)])
def test_names_and_numbers_are_read(tmp_path: Path, labels: Any) -> None:
    np.save(tmp_path / "labels.npy", labels)
    assert np.array_equal(read_labels(tmp_path / "labels.npy"), np.asarray(labels))


class Bomb:
    def __reduce__(self) -> Any:
        return print, ("this file ran code",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (np.array(["cat", 3, None], dtype=object), "holds Python objects, which could run code"),
        (np.array([Bomb()], dtype=object), "holds Python objects, which could run code"),
        (np.array([0.0, 1.0]), "holds an array of float64 of shape (2,): labels are names or whole numbers"),
        (np.array(3), "of shape (): labels are names or whole numbers"),
        (np.zeros((2, 2, 2), int), "of shape (2, 2, 2): labels are"),
        (np.array([], dtype=int), "holds no labels"),
        (b"", "cannot be read as a NumPy file of labels"),
        (b"0,1,2\n", "cannot be read as a NumPy file of labels"),
        (b"\x93NUMPY\x01\x00v\x00", "cannot be read as a NumPy file of labels"),
        (None, "cannot be read as a NumPy file of labels"),
    ],
)
def test_what_holds_no_labels_is_one_sentence(
    tmp_path: Path, content: Any, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labels.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(MonoImageError) as caught:
        read_labels(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
    assert capsys.readouterr().out == ""
