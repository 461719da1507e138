"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.atomic_write import atomic_write, remove_parts, replace_text


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


def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(handle: int) -> None:
        fsync(handle)
        done.append(f"on disk: {Path(f'/proc/self/fd/{handle}').resolve().read_text()}")

    def record_replace(part: Path, path: Path) -> None:
        replace(part, path)
        done.append("replaced")

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    replace_text(tmp_path / "new" / "file", "é")
    assert done == ["on disk: é", "replaced"]


@pytest.mark.parametrize("place", [".", "pictures"])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path, place: str) -> None:
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from vissl_monoimage.utils.atomic_write import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as part: part.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder / "model_final_x.torch")]).returncode == -9
    (left,) = folder.iterdir()
    assert "model_final" not in left.name
    with atomic_write(folder / "new") as part:
        part.write_text("new")
        remove_parts(tmp_path)
        assert list(folder.iterdir()) == [part]
    assert (folder / "new").read_text() == "new"
