"""The photos of the catalog, and which photos a DATA_PATHS entry stands for."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.errors import MonoImageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.jpg", "deep/c.WEBP"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "notes.md").write_text("no photo")
    return tmp_path


@pytest.mark.parametrize("name", CATALOG)
def test_every_named_photo_is_there_with_licence_and_credit(name: str) -> None:
    entry = CATALOG[name]
    assert min(load_photo(entry.path).size) >= 300
    assert entry.licence
    assert entry.credit


def test_china_is_credited_as_its_licence_asks() -> None:
    assert CATALOG["china"].licence == "CC BY 2.0"
    assert "danielbuechele" in CATALOG["china"].credit


def test_a_name_a_file_and_nested_lists(folder: Path) -> None:
    photo = str(folder / "a.jpg")
    assert find_photos("china") == [CATALOG["china"].path]
    assert find_photos(photo) == [folder / "a.jpg"]
    assert find_photos([photo, ["china", [folder / "b.png"]]]) == [
        folder / "a.jpg",
        CATALOG["china"].path,
        folder / "b.png",
    ]


def test_a_folder_gives_its_photos_in_order_at_any_depth(folder: Path) -> None:
    assert find_photos(str(folder)) == [folder / "a.jpg", folder / "b.png", folder / "deep/c.WEBP"]


def test_a_list_file_is_relative_to_itself(folder: Path) -> None:
    (folder / "list.txt").write_text("# three photos\nb.png\n\ndeep/c.WEBP  # a comment\nchina\n")
    expected = [folder / "b.png", folder / "deep/c.WEBP", CATALOG["china"].path]
    assert find_photos(str(folder / "list.txt")) == expected


def test_a_file_named_like_a_photo_needs_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "china").mkdir()
    Image.new("RGB", (8, 8)).save(folder / "china" / "mine.png")
    assert find_photos("china") == [CATALOG["china"].path]
    assert find_photos("./china") == [Path("china/mine.png")]


def test_bad_entries_get_one_sentence(folder: Path) -> None:
    (folder / "none.txt").write_text("# nothing\n")
    (folder / "lost.txt").write_text("gone.png\n")
    (folder / "empty").mkdir()
    for entry, sentence in {
        "chna": "unknown photo 'chna': did you mean 'china'\\? valid: astronaut, ",
        "": "DATA_PATHS names no photo",
        str(folder / "a.jpeg"): "there is no photo or folder .*a.jpeg: did you mean '.*a.jpg'",
        str(folder / "no/such/x.png"): "there is no photo or folder",
        str(folder / "empty"): "folder .*empty has no photos",
        str(folder / "none.txt"): "list .*none.txt names no photos",
        str(folder / "lost.txt"): "there is no photo or folder .*gone.png",
    }.items():
        with pytest.raises(MonoImageError, match=sentence):
            find_photos(entry)
    with pytest.raises(MonoImageError, match="empty list"):
        find_photos([])
