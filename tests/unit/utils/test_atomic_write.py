"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_write(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as part:
        part.write_text("half")
        1 / 0  # noqa: B018
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_one_sentence_says_so(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "file"
    with pytest.raises(MonoImageError, match=r"cannot write .*/gone/file: No such file"), atomic_write(path) as part:
        part.write_text("new")
