"""Whether a folder can be written is found out before the work that is to be kept in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils.paths import make_folder, unwritable


def test_a_folder_that_can_be_made_is_fine_and_is_not_made(tmp_path: Path) -> None:
    assert unwritable(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == []
    assert make_folder(str(tmp_path / "a" / "b")).is_dir()
    assert make_folder(tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "run"):
        sentence = f"'{folder}' cannot be written: '{tmp_path}/taken' is a file"
        assert unwritable(folder) == sentence
        with pytest.raises(MonoImageError) as caught:
            make_folder(folder)
        assert str(caught.value) == sentence


def test_a_folder_that_the_system_refuses_is_a_sentence() -> None:
    with pytest.raises(MonoImageError, match=r"'/proc/nowhere' cannot be written: "):
        make_folder("/proc/nowhere")


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    """As another user than root, who may write everywhere."""
    (tmp_path / "closed").mkdir(mode=0o555)
    ask = f"import sys; sys.path[:0] = {sys.path!r}; from vissl_monoimage.utils.paths import unwritable; "
    become = "import os; os.getuid() or os.setuid(65534); " if os.getuid() == 0 else ""
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(0o755)
    answer = subprocess.run(
        [sys.executable, "-c", f"{ask}{become}print(unwritable({str(tmp_path / 'closed' / 'run')!r}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    closed = tmp_path / "closed"
    assert answer.stdout == f"'{closed}/run' cannot be written: no permission for '{closed}'\n"
