"""Bad inputs of every command: status 2, one sentence or more that name the mistake, and nothing left behind."""

from __future__ import annotations

import copy
import functools
import shlex
import socket
from pathlib import Path
from typing import Any

import pytest
from bad_inputs import files, overrides
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser

from vissl_monoimage import launch
from vissl_monoimage.cli.main import main
from vissl_monoimage.config.compose import compose_config


@functools.cache
def composed_base(base: tuple[str, ...]) -> Any:
    return compose_config([*base, "config.CHECKPOINT.DIR=out"])


def varied(words: list[str]) -> Any:
    """Compose as `compose_config`, but a base only once; what cannot be applied to it is Hydra's to refuse."""
    base = tuple(words[:2])
    config = copy.deepcopy(composed_base(base))
    try:
        parsed = [OverridesParser.create().parse_override(word) for word in words[2:]]
        ConfigLoaderImpl._apply_overrides_to_config(parsed, config)
    except Exception:
        return compose_config(words)
    return config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, in which no run would start."""

    def started(**settings: Any) -> None:
        raise AssertionError("accepted")

    monkeypatch.setattr("vissl.utils.distributed_launcher.launch_distributed", started)
    monkeypatch.setattr(launch, "compose_config", varied)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.rglob("*"))
    try:
        status: Any = main(words)
    except SystemExit as end:  # argparse
        status = end.code
    error = capsys.readouterr().err
    assert (status, said in error, "Traceback" in error) == (2, True, False), error
    assert sorted(folder.rglob("*")) == before


def test_there_are_at_least_150() -> None:
    assert len(overrides.ROWS) >= 87
    assert len(overrides.ROWS) + len(files.ROWS) >= 150


def test_the_bases_run(folder: Path) -> None:
    for base in overrides.BASES.values():
        with pytest.raises(AssertionError, match="accepted"):
            main(["run", *base])
    assert (folder / "out").is_dir()


@pytest.mark.parametrize(("base", "said", "words"), overrides.ROWS)
def test_an_override_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], base: str, said: str, words: tuple[str, ...]
) -> None:
    refused(["run", *overrides.BASES[base], *words], said, folder, capsys)


def test_a_taken_port_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("localhost", 0)) as server:
        place = f"localhost:{server.getsockname()[1]}"
        words = ["run", *overrides.BASES["rotnet"], f"config.DISTRIBUTED.RUN_ID='{place}'"]
        refused(words, f"RUN_ID='{place}': the port cannot be used", folder, capsys)


@pytest.mark.parametrize(("command", "said", "content"), files.ROWS, ids=map(str, range(len(files.ROWS))))
def test_a_file_or_word_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, said: str, content: Any
) -> None:
    words = shlex.split(command)
    if content is not None:
        (folder / next(word for word in words if word.startswith("bad."))).write_bytes(
            content() if callable(content) else content
        )
    refused(words, said, folder, capsys)
