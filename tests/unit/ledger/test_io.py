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
from vissl_monoimage.ledger.loss_curve import MAX_POINTS, LossCurve
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes

MakeRow = Callable[..., ledger.Row]


APPEND_MANY = """
import json, sys
from vissl_monoimage.ledger import io as ledger
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
values = json.loads(sys.stdin.readline())
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    ledger.append(path, ledger.Row(**(values | {"run_id": f"{name}-{number}", "name": name * 3000})))
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
@given(cut=st.integers(1, 400), seed=st.integers(0, 5), layer=st.text(min_size=1, max_size=8))
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


def test_photos_of_one_name_are_two_experiments_and_images_drawn_for_seeds_are_one(a_row: MakeRow) -> None:
    def learned_from(path: str, sha256: str, named: str) -> ledger.Row:
        image = {"name": "me", "path": path, "sha256": sha256}
        return a_row(images=[image], command=f"monoimage run config=x config.DATA.TRAIN.DATA_PATHS=[{named}]")

    mine, moved = learned_from("/a/me.jpg", "1", "a/me.jpg"), learned_from("/moved/me.jpg", "1", "me.jpg")
    yours = learned_from("/b/me.jpg", "2", "b/me.jpg")
    assert mine.experiment == moved.experiment != yours.experiment
    first, second = disambiguating_suffixes(["rotnet on me.jpg (1 image)"] * 2, [mine, yours])
    assert first != second
    drawn = [learned_from(f"/data/{number}.png", str(number), "out/photos/cifar10_1.txt") for number in (3, 4)]
    assert {row.experiment for row in drawn} == {mine.group_hash}


def test_the_later_row_of_a_run_counts_wherever_it_lies(tmp_path: Path, a_row: MakeRow) -> None:
    old, new = a_row(seed=1), a_row(seed=2, finished="2026-01-02T00:00:00.000+00:00")
    for folder, row in (("b/x", old), ("a", new)):
        ledger.append(tmp_path / folder / "ledger.jsonl", row)
    assert ledger.read([tmp_path, tmp_path / "a" / "ledger.jsonl"]) == [new]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("not json", ["line 2", "not a ledger row"]),
        ("[1]", ["line 2", "list"]),
        ('{"run_id": "x"}', ["line 2", "lacks", "kind"]),
        ({"sede": 1}, ["line 2", "sede", "did you mean 'seed'"]),
        ({"seed": "zero"}, ["line 2", "seed", "whole number"]),
        ({"kind": "prob"}, ["line 2", "kind", "probe"]),
        ({"accuracies": {"conv1": {"top_1": 101.0}}}, ["line 2", "conv1"]),
    ],
)
def test_a_line_that_is_no_row_is_named(
    tmp_path: Path, a_row: MakeRow, change: str | dict[str, object], words: list[str]
) -> None:
    path = tmp_path / "ledger.jsonl"
    line = change if isinstance(change, str) else json.dumps(dataclasses.asdict(a_row()) | change)
    ledger.append(path, a_row())
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(MonoImageError) as caught:
        ledger.read([path])
    assert all(word in str(caught.value) for word in [str(path), *words]), caught.value
    assert "\n" not in str(caught.value)


def test_paths_that_cannot_be_read_or_written_say_so(tmp_path: Path, a_row: MakeRow) -> None:
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MonoImageError, match="no such file or folder"):
        ledger.read([tmp_path / "nowhere"])
    with pytest.raises(MonoImageError, match="not UTF-8"):
        ledger.read([binary])
    with pytest.raises(MonoImageError, match="cannot write"):
        ledger.append(binary / "ledger.jsonl", a_row())
    assert ledger.read([tmp_path]) == []


@settings(max_examples=60, deadline=None)
@given(last=st.integers(1, 5000), killed=st.floats(0, 1), saved=st.floats(0, 1), torn=st.integers(0, 3))
def test_a_resumed_loss_curve_equals_the_uninterrupted_one(
    tmp_path_factory: pytest.TempPathFactory, last: int, killed: float, saved: float, torn: int
) -> None:
    def train(curve: LossCurve, first: int, stop: int) -> None:
        for step in range(first + 1, stop + 1):
            if curve.wants(step):
                curve.add(step, 10 / step, seconds=step / 2)

    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    whole = LossCurve(one, 0, last)
    train(whole, 0, last)
    kill = int(last * killed)
    checkpoint = int(kill * saved)
    train(LossCurve(two, 0, last), 0, kill)
    file = two / "losses.jsonl"
    points = file.read_text().splitlines(keepends=True)
    if points and int(json.loads(points[-1])[0]) > checkpoint:  # a kill tears what came after the checkpoint
        file.write_text("".join(points)[: -torn or None])
    resumed = LossCurve(two, checkpoint, last)
    train(resumed, checkpoint, last)
    assert resumed.points == whole.points
    assert len(whole.points) <= MAX_POINTS
    assert {whole.points[0][0], whole.points[-1][0]} == {1, last}
    assert resumed.seconds <= checkpoint / 2


def test_a_fresh_run_forgets_the_curve_of_the_run_before_it(tmp_path: Path) -> None:
    LossCurve(tmp_path, 0, 10).add(1, 3.0, 1.0)
    curve = LossCurve(tmp_path, 0, 10)
    assert (curve.points, curve.seconds) == ([], 0.0)
    curve.add(1, float("nan"), 1.0)
    assert LossCurve(tmp_path, 1, 10).points == [[1, None]]
