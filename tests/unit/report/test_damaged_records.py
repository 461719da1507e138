"""Damaged files of JSON lines in a run's folder: intact records are shown and the rest is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import Row
from vissl_monoimage.pretext.bigan.artifacts import PLAYERS_FILE
from vissl_monoimage.pretext.deepcluster.artifacts import CLUSTERS_FILE
from vissl_monoimage.report.sections.artifacts import RunBlock, plot_records, read_records
from vissl_monoimage.report.sections.clusters import cluster_blocks
from vissl_monoimage.report.sections.gan import generator_blocks

MakeRow = Callable[..., Row]
Blocks = Callable[[Path], tuple[list[RunBlock], list[str]]]

# An intact file has records at 1, 2 and 3. The content after each damage, and the number of records left.
GOOD = [{"at": 1, "value": 4.0}, {"at": 2, "value": 5.0}, {"at": 3, "value": 6.0}]
DAMAGES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"%1\n%2\n%3\n", 3),
    "empty": (b"", 0),
    "blank lines": (b"\n\n%1\n\n%2\n%3\n\n", 3),
    "Windows line ends": (b"%1\r\n%2\r\n%3\r\n", 3),
    "no last line end": (b"%1\n%2\n%3", 3),
    "a torn last line": (b'%1\n%2\n{"@": 3, "va', 2),
    "a torn first line": (b'"va": 1}\n%2\n%3\n', 2),
    "NULs alone": (b"\0" * 600, 0),
    "NULs at the end": (b"%1\n%2\n%3\n" + b"\0" * 600, 3),
    "NULs before a line": (b"%1\n%2\n" + b"\0" * 40 + b"%3\n", 3),
    "a NUL inside a line": (b'%1\n%2\n{"@": 3, \0"value": 6.0}\n', 2),
    "not UTF-8": (b"%1\n%2\n\xff\xfe\x80\n", 2),
    "a byte of a name lost": (b'%1\n%2\n{"@": 3, "val\xffue": 6.0}\n', 2),
    "another format": (b"epoch,loss\n1,4.0\n", 0),
    "a list": (b"%1\n%2\n[3, 6.0]\n", 2),
    "a number": (b"%1\n%2\n17\n", 2),
    "a word": (b"%1\n%2\nnull\n", 2),
    "an empty object": (b"%1\n%2\n{}\n", 2),
    "no place on the axis": (b'%1\n%2\n{"value": 6.0}\n', 2),
    "a null on the axis": (b'%1\n%2\n{"@": null, "value": 6.0}\n', 2),
    "a text on the axis": (b'%1\n%2\n{"@": "3", "value": 6.0}\n', 2),
    "true on the axis": (b'%1\n%2\n{"@": true, "value": 6.0}\n', 2),
    "NaN on the axis": (b'%1\n%2\n{"@": NaN, "value": 6.0}\n', 2),
    "infinity on the axis": (b'%1\n%2\n{"@": Infinity, "value": 6.0}\n', 2),
    "an integer beyond floats on the axis": (b'%1\n%2\n{"@": 1' + b"0" * 400 + b', "value": 6.0}\n', 2),
    "an integer beyond floats": (b'%1\n%2\n{"@": 3, "value": 1' + b"0" * 400 + b"}\n", 2),
    "an integer beyond Python's limit": (b'%1\n%2\n{"@": 3, "value": 1' + b"0" * 5000 + b"}\n", 2),
    "a null": (b'%1\n%2\n{"@": 3, "value": null}\n', 2),
    "a text": (b'%1\n%2\n{"@": 3, "value": "6.0"}\n', 2),
    "an object": (b'%1\n%2\n{"@": 3, "value": {"mean": 6.0}}\n', 2),
    "brackets without end": (b"%1\n%2\n" + b"[" * 100_000 + b"\n", 2),
    "objects without end": (b"%1\n%2\n" + b'{"value":' * 100_000 + b"\n", 2),
    "a line twice": (b"%1\n%2\n%2\n%3\n", 4),
    "backwards": (b"%3\n%2\n%1\n", 3),
    "a diverged loss": (b'%1\n%2\n{"@": 3, "value": NaN}\n', 3),
    "an infinite loss": (b'%1\n%2\n{"@": 3, "value": -Infinity}\n', 3),
    "a huge loss": (b'%1\n%2\n{"@": 3, "value": 1e308}\n', 3),
    "a tiny loss": (b'%1\n%2\n{"@": 3, "value": 1e-320}\n', 3),
    "no known key": (b'{"@": 1, "other": 4.0}\n{"@": 2, "other": 5.0}\n', 2),
}
FILES = {"players": (PLAYERS_FILE, "step", "discriminator_loss"), "clusters": (CLUSTERS_FILE, "epoch", "clusters")}


def content(template: bytes, over: str, key: str) -> bytes:
    """Return the template with intact records for %1 to %3, and with the keys of the file."""
    for number, record in enumerate(GOOD, start=1):
        template = template.replace(
            b"%" + str(number).encode(), json.dumps({"@": record["at"], "value": record["value"]}).encode()
        )
    return template.replace(b'"@"', f'"{over}"'.encode()).replace(b'"value"', f'"{key}"'.encode())


@pytest.fixture
def blocks(a_row: MakeRow) -> Blocks:
    """Return `blocks(file)`: what a page shows of the run in the file's folder, and its notes on missing files."""

    def make(file: Path) -> tuple[list[RunBlock], list[str]]:
        row = a_row(kind="pretrain", method="run", checkpoint_out=str(file.parent / "final.torch"), protocol=None)
        missing: list[str] = []
        return (generator_blocks if file.name == PLAYERS_FILE else cluster_blocks)([row], missing), missing

    return make


@pytest.mark.parametrize("damage", DAMAGES)
def test_intact_records_are_read_and_the_rest_is_counted(damage: str, tmp_path: Path) -> None:
    template, whole = DAMAGES[damage]
    path = tmp_path / PLAYERS_FILE
    path.write_bytes(content(template, "step", "discriminator_loss"))
    missing: list[str] = []
    with nullcontext() if whole else pytest.raises(MonoImageError, match=f"there are no players' losses in '{path}'"):
        assert len(read_records(path, "players' losses", missing)) == whole
    broken = len([line for line in template.split(b"\n") if line.strip()]) - whole
    assert missing == [f"Left out: {broken} broken line{'s' * (broken > 1)} of '{path}'."] * (broken > 0)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("damage", ["nothing", "a torn last line", "an integer beyond floats", "empty", "no known key"])
def test_the_remaining_records_are_on_the_page(kind: str, damage: str, tmp_path: Path, blocks: Blocks) -> None:
    name, over, key = FILES[kind]
    template, whole = DAMAGES[damage]
    (tmp_path / name).write_bytes(content(template, over, key))
    shown, missing = blocks(tmp_path / name)
    assert bool(shown) is (whole > 0)
    assert any(str(tmp_path / name) in note for note in missing) is (whole < 3 and damage != "no known key")
    if whole:
        assert (f"from 4 at {over} 1 to {3 + whole} at {over} {whole}" in shown[0].plots[0].alt) is (
            damage != "no known key"
        )


@pytest.mark.parametrize("kind", FILES)
def test_a_folder_in_place_of_the_file_is_named(kind: str, tmp_path: Path, blocks: Blocks) -> None:
    name, _, _ = FILES[kind]
    (tmp_path / name).mkdir()
    shown, missing = blocks(tmp_path / name)
    assert shown == []
    if kind == "players":  # a folder without a file clusters.jsonl is that of another method
        assert any(f"cannot read '{tmp_path / name}'" in note for note in missing)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 200), end=st.integers(0, 200), patch=st.binary(max_size=40))
def test_no_bytes_raise(start: int, end: int, patch: bytes, tmp_path: Path) -> None:
    """Replace some bytes of a file by others, as a torn page, a bad sector or an editor does."""
    path, missing = tmp_path / PLAYERS_FILE, list[str]()
    whole = content(DAMAGES["nothing"][0], "step", "discriminator_loss")
    path.write_bytes(whole[:start] + patch + whole[end:])
    try:
        records = read_records(path, "losses", missing)
    except MonoImageError as error:
        missing.append(str(error))
    else:
        assert all(isinstance(record["step"], (int, float)) for record in records)
    assert all(str(path) in note for note in missing)


NUMBERS = st.integers(-(10**18), 10**18) | st.floats()
EXTREMES = [[(1e308, 1e308), (-1e308, -1e308)], [(0, 1e300), (1, -1e300)], [(0.0, 5e-324), (5e-324, 0.0)]]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), NUMBERS), min_size=1, max_size=4))
@example(EXTREMES[0])
@example(EXTREMES[1])
@example(EXTREMES[2])
def test_all_numbers_that_records_can_hold_are_drawn(points: list[tuple[float, float]]) -> None:
    records = [{"step": step, "value": value} for step, value in points]
    assert b"<svg" in plot_records(records, {"value": "loss"}, "loss", "Loss", "a run").data
