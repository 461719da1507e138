"""`monoimage ls`: other commands accept every name that it prints."""

from __future__ import annotations

import pytest

from vissl_monoimage.cli.main import main
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.probe.protocols import get_protocol
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.utils.paths import config_folder


def listed(what: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["ls", what]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading == what
    assert all(len(line.split()) > 1 for line in lines)  # each says what it is
    return [line.split()[0] for line in lines]


def test_every_listed_name_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    for name in listed("benchmarks", capsys):
        assert read_grid(name).name == name
    for name in listed("protocols", capsys):
        assert get_protocol(name).name == name
    for name in listed("photos", capsys):
        assert len(find_photos(name)) == 1
    for name in listed("configs", capsys):
        assert (config_folder() / "config" / f"{name}.yaml").is_file()


def test_an_unknown_list_is_refused_with_the_nearest_match(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "benchmarks", "photo"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "unknown list 'photo': did you mean 'photos'" in said.err
