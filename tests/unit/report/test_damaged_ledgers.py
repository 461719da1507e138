"""Ledgers with damaged rows: the page of the whole folder is made, shows the good rows and names the others."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vissl_monoimage.cli.main import main
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.report.collect import Report, collect
from vissl_monoimage.report.formats.csv import tables_as_csv
from vissl_monoimage.report.formats.latex import tables_as_latex
from vissl_monoimage.report.formats.markdown import tables_as_markdown
from vissl_monoimage.report.formats.run_facts import run_facts
from vissl_monoimage.report.plots.layers import accuracy_by_layer
from vissl_monoimage.report.plots.losses import loss_curves
from vissl_monoimage.report.sections.photos import photo_figures
from vissl_monoimage.report.similarity.pairing import group_networks
from vissl_monoimage.report.tables.accuracy import text_tables

MakeRow = Callable[..., Row]
NAN, INFINITY = float("nan"), float("inf")
PHOTO = {"name": "me.jpg", "path": "/gone/me.jpg", "sha256": "5" * 64}

# Lines that are no rows at all.
LINES = {
    "empty object": "{}",
    "list": "[]",
    "number": "17",
    "text": '"row"',
    "null": "null",
    "torn": '{"run_id": "r0", "kind": "pro',
    "another program's": '{"level": "info", "msg": "started"}',
    "Python's": "{'run_id': 'r0'}",
    "nested without end": '{"a":' * 50_000,
    "integer beyond Python's limit": '{"seed": 1' + "0" * 5000 + "}",
    "conflict marker": "<<<<<<< HEAD",
}
# What is wrong with a row of a pretraining or a probe.
FIELDS: dict[str, dict[str, Any]] = {
    "kind unknown": {"kind": "training"},
    "kind null": {"kind": None},
    "run_id null": {"run_id": None},
    "run_id number": {"run_id": 7},
    "name null": {"name": None},
    "method null": {"method": None},
    "method list": {"method": ["rotnet"]},
    "trunk null": {"trunk": None},
    "trunk number": {"trunk": 50},
    "dataset null": {"dataset": None},
    "command list": {"command": ["monoimage", "run"]},
    "finished null": {"finished": None},
    "config hash null": {"config_hash": None},
    "group hash number": {"group_hash": 1},
    "protocol number": {"protocol": 1},
    "protocol changes null": {"protocol_changes": None},
    "protocol changes text": {"protocol_changes": "epochs=1"},
    "protocol changes numbers": {"protocol_changes": [1]},
    "seed text": {"seed": "0"},
    "seed null": {"seed": None},
    "seed fraction": {"seed": 0.5},
    "seed true": {"seed": True},
    "versions list": {"versions": ["torch 2"]},
    "versions null": {"versions": None},
    "device null": {"device": None},
    "wall time text": {"wall_s": "1.5"},
    "wall time null": {"wall_s": None},
    "iterations fraction": {"iterations": 1.5},
    "iterations null": {"iterations": None},
    "losses null": {"losses": None},
    "losses numbers": {"losses": [1.0, 2.0]},
    "losses of one": {"losses": [[1]]},
    "losses of three": {"losses": [[1, 2.0, 3.0]]},
    "losses of texts": {"losses": [[1, "2.0"]]},
    "losses of lists": {"losses": [[1, [2.0]]]},
    "losses at null": {"losses": [[None, 2.0]]},
    "losses at texts": {"losses": [["1", 2.0]]},
    "losses beyond floats": {"losses": [[1, 10**400]]},
    "losses at beyond floats": {"losses": [[10**400, 1.0]]},
    "accuracies null": {"accuracies": None},
    "accuracies list": {"accuracies": [50.0]},
    "accuracies bare": {"accuracies": {"conv1": 50.0}},
    "accuracies null of a layer": {"accuracies": {"conv1": None}},
    "accuracies of texts": {"accuracies": {"conv1": {"top_1": "50"}}},
    "accuracies of nulls": {"accuracies": {"conv1": {"top_1": None}}},
    "accuracies NaN": {"accuracies": {"conv1": {"top_1": NAN}}},
    "accuracies above 100": {"accuracies": {"conv1": {"top_1": 100.5}}},
    "accuracies negative": {"accuracies": {"conv1": {"top_1": -1}}},
    "accuracies true": {"accuracies": {"conv1": {"top_1": True}}},
    "pretext null": {"pretext": None},
    "pretext list": {"pretext": [90.0]},
    "pretext of text": {"pretext": {"split": "test", "top_1": "90"}},
    "pretext of null": {"pretext": {"split": "test", "top_1": None}},
    "pretext NaN": {"pretext": {"split": "test", "top_1": NAN}},
    "transfer list": {"pretext": {"transfer": [1.0]}},
    "transfer of texts": {"pretext": {"transfer": {"own_images": {"rotation_accuracy": "30"}}}},
    "transfer without sets": {"pretext": {"transfer": {"rotation_accuracy": 30.0}}},
    "pretext above 100": {"pretext": {"split": "test", "top_1": 1e9}},
    "images null": {"images": None},
    "images texts": {"images": ["me.jpg"]},
    "images empty mappings": {"images": [{}]},
    "images without a hash": {"images": [{"name": "me.jpg", "path": "me.jpg"}]},
    "images of null hash": {"images": [PHOTO | {"sha256": None}]},
    "images of number hash": {"images": [PHOTO | {"sha256": 5}]},
    "images without a name": {"images": [{"path": "me.jpg", "sha256": "5"}]},
    "images of null name": {"images": [PHOTO | {"name": None}]},
    "images of number name": {"images": [PHOTO | {"name": 1}]},
    "images of number path": {"images": [PHOTO | {"path": 1}]},
    "recipe null": {"recipe": None},
    "recipe list": {"recipe": ["released"]},
    "recipe seed text": {"images": [PHOTO], "recipe": {"name": "released", "size": 32, "seed": "0"}},
    "recipe seed null": {"images": [PHOTO], "recipe": {"name": "released", "size": 32, "seed": None}},
    "recipe seed list": {"images": [PHOTO], "recipe": {"name": "released", "size": 32, "seed": [0]}},
    "recipe name list": {"images": [PHOTO], "recipe": {"name": ["released"], "size": 32, "seed": 0}},
    "a NUL in the data set": {"dataset": "ci\0far"},
    "half a surrogate in the method": {"method": "rot\ud800net"},
    "half a surrogate in an image": {"images": [PHOTO | {"name": "\udcff.jpg"}]},
    "a NUL in a path": {"images": [PHOTO | {"path": "a\0b"}]},
    "schema 99": {"schema": 99},
    "schema 0": {"schema": 0},
    "schema text": {"schema": "2"},
    "schema null": {"schema": None},
    "weights null": {"weights": None},
    "weights text": {"weights": "model.torch"},
    "weights of number path": {"weights": {"path": 5, "sha256": "f"}},
    "weights of number hash": {"weights": {"path": "model.torch", "sha256": 5}},
    "initial weights null": {"initial_weights": None},
    "data null": {"data": None},
    "data list": {"data": ["train"]},
    "data of texts": {"data": {"train": "set"}},
    "data of number hash": {"data": {"train": {"name": "set", "sha256": 5}}},
    "shots texts": {"shots": ["4"]},
    "overrides null": {"overrides": None},
    "number of images text": {"n_images": "many"},
    "number of images negative": {"n_images": -1},
    "checkpoint number": {"checkpoint_out": 5},
}
# Unusual but valid rows, which are shown.
ODD: dict[str, dict[str, Any]] = {
    "no name": {"name": ""},
    "a command without its end": {"command": "monoimage run config='x"},
    "no method": {"method": ""},
    "a data set of markup": {"dataset": "<b>&amp;</b>"},
    "a data set of formulas": {"dataset": "$\\frac{1}{"},
    "a data set of several lines": {"dataset": "a\nb\r\nc\td"},
    "a data set from right to left": {"dataset": "\u202eevil"},
    "a data set of many letters": {"dataset": "x" * 2000},
    "letters that the font lacks": {"dataset": "写真🖼"},
    "a table's own separators": {"dataset": "a|b,c;d\"e'f"},
    "a method like an option": {"method": "--help"},
    "a method that a legend hides": {"method": "_rotnet"},
    "wall time NaN": {"wall_s": NAN},
    "wall time infinite": {"wall_s": INFINITY},
    "seed huge": {"seed": 2**70},
    "seed negative": {"seed": -3},
    "no date": {"finished": ""},
    "losses diverged": {"losses": [[1, 2.0], [2, None], [3, NAN], [4, INFINITY]]},
    "losses nothing": {"losses": []},
    "losses only null": {"losses": [[1, None], [2, None]]},
    "losses huge": {"losses": [[1, 1e308], [2, -1e308]]},
    "layers with odd names": {"accuracies": {"": {"top_1": 1}, "²": {"top_1": 2}, "a k=": {"top_1": 3}}},
    "a name of a recipe that is none": {"recipe": {"name": "mine"}},
    "a recipe of other keys": {"recipe": {"a": None, "b": {"c": []}}},
    "another image of the same": {"images": [PHOTO, PHOTO]},
    "other measurements of a pretext": {"pretext": {"loss": NAN, "note": "text", "list": [1]}},
    "versions of numbers": {"versions": {"torch": 2}},
    "fields of a later version": {"energy": 5, "weights": {"path": None, "licence": "MIT"}},
}


def good(a_row: MakeRow) -> list[Row]:
    """Return a pretraining, its probe, and a probe of random weights."""
    return [
        a_row(run_id="good pretraining", kind="pretrain", method="rotnet", checkpoint_out_sha256="w", accuracies={}),
        probe_of(a_row, "w", run_id="good probe", accuracies={"conv1": {"top_1": 61.5}}),
        a_row(run_id="good random", accuracies={"conv1": {"top_1": 55.5}}),
    ]


def probe_of(a_row: MakeRow, sha256: str, **changes: Any) -> Row:
    """Return a probe of the checkpoint with this hash, which no longer exists."""
    return a_row(weights=Weights("/gone/model.torch", sha256), **changes)


def damaged(a_row: MakeRow, change: dict[str, Any], kind: str) -> str:
    """Return a line of the ledger: a row of this kind with the change."""
    row = a_row(run_id=f"bad {kind}", kind=kind, checkpoint_out_sha256="bad", dataset="another")
    return json.dumps(dataclasses.asdict(row) | change)


def render(report: Report) -> str:
    """Return everything of a report except its plots, which take long."""
    texts = [text for table in report.tables for text in text_tables(table)]
    photo_figures(report.pretrained, report.missing)
    group_networks(report.probed)
    facts = [run_facts(row) for row in [*report.pretrained, *(trunk.probe for trunk in report.probed)]]
    parts = [tables_as_markdown(texts), tables_as_latex(texts), tables_as_csv(report.tables), *report.missing]
    return "\n".join([*parts, *map(str, facts)])


@pytest.mark.parametrize("line", LINES)
def test_a_malformed_line_is_named_and_left_out(line: str, tmp_path: Path, a_row: MakeRow) -> None:
    check(tmp_path, a_row, LINES[line], refused=True)


@pytest.mark.parametrize("kind", ["pretrain", "probe"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_damaged_row_is_named_and_left_out(field: str, kind: str, tmp_path: Path, a_row: MakeRow) -> None:
    check(tmp_path, a_row, damaged(a_row, FIELDS[field], kind), refused=True)


@pytest.mark.parametrize("kind", ["pretrain", "probe"])
@pytest.mark.parametrize("field", ODD)
def test_an_odd_row_is_shown(field: str, kind: str, tmp_path: Path, a_row: MakeRow) -> None:
    report = check(tmp_path, a_row, damaged(a_row, ODD[field], kind), refused=False)
    odd = [row for row in report.pretrained if row.losses and row.run_id.startswith("bad")]
    assert len(loss_curves(odd)) == len(odd)
    assert all(accuracy_by_layer(table) for table in report.tables if kind == "probe" and table.dataset != "set")


def check(folder: Path, a_row: MakeRow, line: str, refused: bool) -> Report:
    """Put the line among good rows of a ledger: these are shown, and the line is named if it is to be refused."""
    path = folder / ledger.FILE_NAME
    first, *others = good(a_row)
    ledger.append(path, first)
    with path.open("a") as opened:
        opened.write(line + "\n")
    for row in others:
        ledger.append(path, row)
    skipped: list[str] = []
    report = collect(ledger.read([folder], skipped.append), skipped)
    text = render(report)
    text.encode()
    assert [f"{path}, line 2" in note for note in skipped] == [True] * refused
    assert len(report.pretrained) + len(report.probed) == 3 + (not refused)
    assert all(accuracy in text for accuracy in ("61.5", "55.5"))
    return report


def test_the_page_of_a_whole_folder_is_made(tmp_path: Path, a_row: MakeRow, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [*LINES.values(), *(damaged(a_row, change, "probe") for change in FIELDS.values())]
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / ledger.FILE_NAME).write_text("".join(f"{line}\n" for line in lines))
    first, *others = good(a_row)
    for number, row in enumerate([dataclasses.replace(first, checkpoint_out=f"{tmp_path}/good0/model.torch"), *others]):
        ledger.append(tmp_path / f"good{number}" / ledger.FILE_NAME, row)
    (tmp_path / "zipped" / ledger.FILE_NAME).mkdir(parents=True)
    for name in ("losses.jsonl", "players.jsonl", "clusters.jsonl", "clusters.npy", "devices.txt"):
        (tmp_path / "good0" / name).write_bytes(b"\0garbage\xff")
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "out")]) == 0
    page, printed = html.unescape((tmp_path / "out" / "report.html").read_text()), capsys.readouterr()
    assert "61.5" in page
    assert "61.5" in printed.out
    for number in range(1, len(lines) + 1):
        assert f"{tmp_path / 'damaged' / ledger.FILE_NAME}, line {number}: skipped" in page
    for name in ("players.jsonl", "clusters.jsonl"):
        assert f"Not shown: there are no {'players' if name[0] == 'p' else 'clusters'}" in page
        assert f"'{tmp_path}/good0/{name}'" in page
    assert "line 1: skipped" in printed.err
    assert "are named at the end of the page" in printed.err
    assert "Traceback" not in printed.err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = [field.name for field in dataclasses.fields(Row)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    change=st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1, max_size=3),
    inner=st.sampled_from(["images", "recipe", "accuracies", "pretext", "versions", "losses", "weights", "data"]),
    value=JSON,
    kind=st.sampled_from(["pretrain", "probe"]),
)
def test_no_value_of_any_field_raises(
    change: dict[str, Any], inner: str, value: Any, kind: str, tmp_path: Path, a_row: MakeRow
) -> None:
    wrapped = {"images": [value], "losses": [[1, value]], "accuracies": {"conv1": value}, "data": {"train": value}}
    for changes in (change, {inner: wrapped.get(inner, {"name": value, "top_1": value, "seed": value})}):
        line = damaged(a_row, changes, kind)
        (tmp_path / ledger.FILE_NAME).write_text(line + "\n")
        skipped: list[str] = []
        rows = ledger.read([tmp_path], skipped.append)
        assert len(rows) + len(skipped) == 1
        render(collect(rows)).encode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 2600), length=st.integers(0, 300), patch=st.binary(max_size=40))
def test_no_bytes_raise(start: int, length: int, patch: bytes, tmp_path: Path, a_row: MakeRow) -> None:
    path = tmp_path / ledger.FILE_NAME
    whole = "".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in good(a_row)).encode()
    path.write_bytes(whole[:start] + patch + whole[start + length :])
    skipped: list[str] = []
    report = collect(ledger.read([path], skipped.append), skipped)
    assert len(report.pretrained) + len(report.probed) + len(skipped) > 0
    render(report).encode()
