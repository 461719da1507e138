"""JSON lines: what is appended is read back, whatever a kill or a power loss did to the rest of the file."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.utils import jsonl

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=5), damage=st.sampled_from(["torn", "nul"]), cut=st.integers(1, 40))
def test_a_damaged_last_line_spoils_no_other(
    tmp_path_factory: pytest.TempPathFactory, values: list[object], damage: str, cut: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "new" / "file.jsonl"
    for value in values:
        jsonl.append(path, value)
    killed = json.dumps({"a": "é" * 30}).encode()[:-cut]
    with path.open("ab") as file:
        file.write(killed if damage == "torn" else b"\0" * cut)
    jsonl.append(path, "after")
    broken: list[int] = []
    read = jsonl.read(path, lambda number, problem: broken.append(number))
    assert list(read.values()) == [*values, "after"]
    assert list(read) == [*range(1, len(values) + 1), len(values) + 2]
    assert broken == [len(values) + 1]


def test_a_value_whose_newline_became_nul_bytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'{"a":1}\n{"a":2}\0\0\0\n\0\0{"a":3}\n')
    assert list(jsonl.read(path).values()) == [{"a": 1}, {"a": 2}, {"a": 3}]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"\0", b"{'a': 1}", b"nul"])
def test_a_line_of_anything_is_broken_and_no_more(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1\n\n" + content + b"\n2\n")
    problems: dict[int, str] = {}
    assert jsonl.read(path, problems.__setitem__) == {1: 1, 4: 2}
    assert list(problems) == [3]
    assert problems[3]


def test_a_resumed_run_keeps_the_lines_up_to_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": "3"}\n{}\n[4]\nnull\n{"step": 5}\n{"st')
    assert jsonl.cut(path, lambda value: value["step"] <= 2) == [{"step": 1}, {"step": 2}]
    assert path.read_text() == '{"step":1}\n{"step":2}\n'
    assert jsonl.cut(tmp_path / "missing", lambda value: True) == []
    assert not (tmp_path / "missing").exists()


def test_a_durable_line_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def record(handle: int) -> None:
        fsync(handle)
        synced.append(Path(f"/proc/self/fd/{handle}").resolve().read_text())

    monkeypatch.setattr(os, "fsync", record)
    jsonl.append(tmp_path / "file", 1, durable=True)
    jsonl.append(tmp_path / "file", 2)
    assert synced == ["1\n"]


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MonoImageError, match=r"cannot read '.*/missing': No such file"):
        jsonl.read(tmp_path / "missing")
    with pytest.raises(MonoImageError, match=r"cannot read '.*': Is a directory"):
        jsonl.read(tmp_path)
    for write in (lambda path: jsonl.append(path, 1), jsonl.check_writable):
        with pytest.raises(MonoImageError, match=r"cannot write '.*/file/a': (Not a directory|File exists)"):
            write(tmp_path / "file" / "a")
    jsonl.check_writable(tmp_path / "new" / "a")
    assert (tmp_path / "new" / "a").read_bytes() == b""


def test_a_line_that_the_disk_has_no_room_for_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    jsonl.append(path, {"first": 1})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 5, limits[1]))  # bytes of a file: a part of the line fits
    try:
        with pytest.raises(MonoImageError, match=r"cannot write '.*ledger\.jsonl': File too large"):
            jsonl.append(path, {"second": "long enough"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
