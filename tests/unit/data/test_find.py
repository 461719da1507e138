"""Which photos a folder or a list stands for, and what is left out with a word."""

from __future__ import annotations

import codecs
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from vissl_monoimage.data.photos import folder as folder_module
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.errors import MonoImageError


def photo(path: Path, file_format: str = "PNG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "red").save(path, file_format)
    return path


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged about photos; not caplog, whose handler VISSL's logging takes away."""
    sentences: list[str] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: sentences.append(record.getMessage()))
    monkeypatch.setattr(logging.getLogger(folder_module.__name__), "handlers", [handler])
    monkeypatch.setattr(folder_module, "_named", set())
    return sentences


@pytest.mark.parametrize(
    ("suffix", "file_format"),
    [
        ("avif", "AVIF"),
        ("jfif", "JPEG"),
        ("JPE", "JPEG"),
        ("jp2", "JPEG2000"),
        ("tga", "TGA"),
        ("mpo", "MPO"),
        ("ppm", "PPM"),
    ],
)
def test_every_kind_of_photo_that_pillow_opens_is_taken(tmp_path: Path, suffix: str, file_format: str) -> None:
    path = photo(tmp_path / f"a.{suffix}", file_format)
    assert find_photos(tmp_path) == [path]


def test_what_is_left_out_is_named_once(tmp_path: Path, said: list[str]) -> None:
    kept = photo(tmp_path / "a.png")
    for name in ("phone.heic", "raw.cr2", "notes.md"):
        (tmp_path / name).write_text("no photo")
    assert find_photos(tmp_path) == find_photos(str(tmp_path)) == [kept]
    assert said == [f"{tmp_path}: left out notes.md, phone.heic, raw.cr2, which Pillow does not open as photos here"]


def test_many_files_left_out_are_counted(tmp_path: Path, said: list[str]) -> None:
    photo(tmp_path / "a.png")
    for number in range(9):
        (tmp_path / f"{number}.heic").write_text("no photo")
    find_photos(tmp_path)
    assert said[0].startswith(f"{tmp_path}: left out 0.heic, 1.heic, 2.heic, 3.heic, 4.heic and 4 more files, which")


def test_hidden_files_and_folders_are_skipped(tmp_path: Path, said: list[str]) -> None:
    kept = photo(tmp_path / "sub" / "a.png")
    for name in (".thumbnails/a.png", "._a.png", "@eaDir/a.png", "sub/.b.png", "__MACOSX/sub/a.png"):
        photo(tmp_path / name)
    (tmp_path / ".DS_Store").write_text("")
    assert find_photos(tmp_path) == [kept]
    assert said == []


def test_a_hidden_folder_that_is_named_itself_is_read(tmp_path: Path) -> None:
    kept = photo(tmp_path / ".cache" / "a.png")
    assert find_photos(kept.parent) == [kept]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    outside = photo(tmp_path / "outside" / "b.png")
    folder = tmp_path / "photos"
    kept = photo(folder / "a.png")
    (folder / "link").symlink_to(outside.parent)
    (folder / "again").symlink_to(outside.parent)
    (folder / "circle").symlink_to(folder)
    (folder / "up").symlink_to(tmp_path)
    assert find_photos(folder) == [kept, folder / "again" / "b.png"]


def test_a_dead_link_is_named(tmp_path: Path, said: list[str]) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "dead.png").symlink_to(tmp_path / "gone.png")
    assert len(find_photos(tmp_path)) == 1
    assert "left out dead.png" in said[0]


def test_a_folder_with_nothing_that_can_be_opened_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "phone.heic").write_text("no photo")
    with pytest.raises(MonoImageError, match=r"folder .* has no photos that Pillow opens here .*\.avif.*, but phone"):
        find_photos(tmp_path)


def test_a_sharp_in_a_file_name_is_no_comment(tmp_path: Path) -> None:
    """The line once stood for the whole folder."""
    names = ["#1.png", "photo #2.png", "c#3.png", "#tag/d.png"]
    paths = [photo(tmp_path / name) for name in names]
    other = photo(tmp_path / "other.png")
    (tmp_path / "list.txt").write_text(
        "# all of them\n" + "".join(f"{name}\n" for name in names) + "other.png # and this\n#other.png\n  # done\n"
    )
    assert find_photos(tmp_path / "list.txt") == [*paths, other]


@pytest.mark.parametrize("line", ["gone #1.png", "gone.png # a comment"])
def test_a_missing_line_of_a_list_is_named_with_the_list(tmp_path: Path, line: str) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "list.txt").write_text(f"a.png\n{line}\n")
    with pytest.raises(MonoImageError, match=r"list .*list\.txt, line 2: there is no photo or folder .*gone"):
        find_photos(tmp_path / "list.txt")


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + b"china\r\n\xc3\xa4.png\r\n",
        codecs.BOM_UTF16_LE + "china\r\nä.png\r\n".encode("utf-16-le"),
        "china\nä.png".encode(),
    ],
)
def test_lists_of_any_editor_are_read(tmp_path: Path, content: bytes) -> None:
    path = photo(tmp_path / "ä.png")
    (tmp_path / "list.txt").write_bytes(content)
    assert find_photos(tmp_path / "list.txt") == [CATALOG["china"].path, path]


def test_a_list_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes("ä.png".encode("latin-1"))
    with pytest.raises(MonoImageError, match=r"list .*list\.txt is not UTF-8 text"):
        find_photos(tmp_path / "list.txt")


def test_a_list_that_names_itself_is_refused(tmp_path: Path) -> None:
    for name, content in {"a.txt": "b.txt", "b.txt": "./a.txt", "self.txt": "self.txt"}.items():
        (tmp_path / name).write_text(content)
    for start, seen in (("self.txt", "self.txt"), ("a.txt", "a.txt")):
        with pytest.raises(MonoImageError, match=rf"list .*{seen} names itself"):
            find_photos(tmp_path / start)


def test_a_list_may_name_a_list_twice(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png")
    (tmp_path / "one.txt").write_text("a.png")
    (tmp_path / "two.txt").write_text("one.txt\none.txt")
    assert find_photos(tmp_path / "two.txt") == [path, path]


@pytest.mark.parametrize("entry", [2024, None, 1.5, True, ["china", 2024]])
def test_an_entry_that_is_no_name_is_refused(entry: object) -> None:
    with pytest.raises(MonoImageError, match="an entry must be a name, a photo, a folder or a list"):
        find_photos(entry)  # type: ignore[arg-type]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be another user for a while, where tests run as root, who may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_folder_that_cannot_be_listed_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, whose parents are closed to others
        Path(folder).chmod(0o755)
        closed = photo(Path(folder, "closed", "b.png")).parent
        closed.chmod(0)
        for entry in (folder, closed, closed / "b.png"):
            with as_nobody(), pytest.raises(MonoImageError, match=r"closed.* cannot be read: Permission denied"):
                find_photos(entry)
        closed.chmod(0o755)
