"""The ledger: what is appended is read back, whatever else happens to the file."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row

MakeRow = Callable[..., Row]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


APPEND_MANY = """
import json, sys
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import read_row
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
values = json.loads(sys.stdin.readline())
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    ledger.append(path, read_row(values | {"run_id": f"{name}-{number}", "name": name * 3000}))
"""


def test_two_processes_appending_at_once_lose_and_mix_nothing(tmp_path: Path, a_row: MakeRow) -> None:
    path, count = tmp_path / "sub" / "ledger.jsonl", 300
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    writers = {
        name: subprocess.Popen(
            [sys.executable, "-c", APPEND_MANY, str(path), name, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for name in "ab"
    }
    for line in (json.dumps(dataclasses.asdict(a_row())), "go"):
        for writer in writers.values():
            print(line, file=writer.stdin, flush=True)
        if line != "go":
            assert [writer.stdout.readline() for writer in writers.values()] == ["ready\n"] * 2  # type: ignore[union-attr]
    for writer in writers.values():
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    rows = ledger.read([path])
    assert sorted(row.run_id for row in rows) == sorted(f"{n}-{i}" for n in writers for i in range(count))
    assert {row.name for row in rows} == {"a" * 3000, "b" * 3000}


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 400), seed=st.integers(0, 5), layer=TEXT)
def test_a_torn_last_line_is_reported_and_harms_no_other(
    tmp_path_factory: pytest.TempPathFactory, a_row: MakeRow, cut: int, seed: int, layer: str
) -> None:
    path = tmp_path_factory.mktemp("torn") / "ledger.jsonl"
    first, last = a_row(run_id="first", accuracies={layer: {"top_1": 12.5}}), a_row(run_id="last", seed=seed)
    ledger.append(path, first)
    whole = path.read_bytes()
    ledger.append(path, a_row(run_id="killed"))
    path.write_bytes(path.read_bytes()[: len(whole) + cut])  # somewhere in the second line
    ledger.append(path, last)
    notes: list[str] = []
    assert ledger.read([path], notes.append) == [first, last]
    assert len(notes) == 1
    assert f"{path}, line 2" in notes[0]


def test_the_later_row_of_a_run_counts_wherever_it_lies(tmp_path: Path, a_row: MakeRow) -> None:
    old, new = a_row(seed=1), a_row(seed=2, finished="2026-01-02T00:00:00.000+00:00")
    for folder, row in (("b/x", old), ("a", new)):
        ledger.append(tmp_path / folder / "ledger.jsonl", row)
    assert ledger.read([tmp_path, tmp_path / "a" / "ledger.jsonl"]) == [new]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("not json", ["Expecting value"]),
        ("[1]", ["list"]),
        ('{"schema": 2, "run_id": "x"}', ["lacks", "kind"]),
        ('{"run_id": "x"}', ["lacks", "command"]),
        ({"seed": "zero"}, ["seed", "whole number"]),
        ({"kind": "prob"}, ["kind", "probe"]),
        ({"accuracies": {"conv1": {"top_1": 101.0}}}, ["conv1"]),
    ],
)
def test_a_line_that_is_no_row_is_named_and_skipped(
    tmp_path: Path, a_row: MakeRow, change: str | dict[str, object], words: list[str]
) -> None:
    path = tmp_path / "ledger.jsonl"
    line = change if isinstance(change, str) else json.dumps(dataclasses.asdict(a_row()) | change)
    rows = [a_row(run_id="a"), a_row(run_id="b")]
    ledger.append(path, rows[0])
    path.write_text(path.read_text() + line + "\n")
    ledger.append(path, rows[1])
    notes: list[str] = []
    assert ledger.read([path], notes.append) == rows
    (note,) = notes
    assert all(word in note for word in [f"{path}, line 2: skipped, not a ledger row", *words]), note
    assert "\n" not in note


def test_paths_that_cannot_be_read_or_written_say_so(tmp_path: Path, a_row: MakeRow) -> None:
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MonoImageError, match="no such file or folder"):
        ledger.read([tmp_path / "nowhere"])
    notes: list[str] = []
    assert ledger.read([binary], notes.append) == []
    assert "binary.jsonl, line 1: skipped, not a ledger row: 'utf-8' codec can't decode" in notes[0]
    with pytest.raises(MonoImageError, match="cannot write"):
        ledger.append(binary / "ledger.jsonl", a_row())
    assert ledger.read([tmp_path]) == []
    (tmp_path / "ledger.jsonl").mkdir()
    assert ledger.read([tmp_path], notes.append) == []
    assert notes[1:] == [f"skipped: cannot read '{tmp_path}/ledger.jsonl': Is a directory"]
