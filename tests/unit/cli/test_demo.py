"""`monoimage demo`: what it refuses before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from vissl_monoimage.cli.main import main


@pytest.mark.parametrize("content", [b"", b"{", b"\x00\x00\x00", b"\xff\xfe"])
def test_a_damaged_note_of_the_options_ends_in_one_sentence(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "demo.json").write_bytes(content)
    assert main(["demo", "--out", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"'{tmp_path / 'demo.json'}' is damaged" in message
    assert [file.name for file in tmp_path.iterdir()] == ["demo.json"]


def test_a_folder_of_photos_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos.txt"
    photos.write_text("china\nflower\n")
    assert main(["demo", "--photo", str(photos), "--out", str(tmp_path / "out")]) == 2
    assert f"{photos} has 2 photos" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").touch()
    assert main(["demo", "--out", str(tmp_path / "out")]) == 2
    assert (
        capsys.readouterr().err
        == f"monoimage: '{tmp_path / 'out'}' cannot be written: '{tmp_path / 'out'}' is a file\n"
    )
