"""Rows of both versions: what is read of them, what makes an experiment, and where a command may still be read."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vissl_monoimage
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import SCHEMA, Row, read_row
from vissl_monoimage.ledger.row_parts import DataSplit, Weights
from vissl_monoimage.report.tables.disambiguate import disambiguating_suffixes

ROOT = Path(__file__).parents[3]
LEDGERS = sorted((ROOT / "benchmarks" / "results").glob("*.jsonl"))
COMMITTED = [json.loads(line) for file in LEDGERS for line in file.read_text().splitlines()]
# sha256 of all committed lines of version 1, sorted: they are never rewritten.
VERSION_1 = "f6212c03210fb391"

MakeRow = Callable[..., Row]


def version_1(**changes: Any) -> dict[str, Any]:
    """Return a committed row of a random trunk's probe, with changes."""
    row = next(row for row in COMMITTED if row["kind"] == "probe" and row["checkpoint_in"] is None)
    return {**row, **changes}


def test_every_committed_row_is_read_and_says_what_its_command_said() -> None:
    assert len(COMMITTED) >= 218
    for values in (row for row in COMMITTED if "schema" not in row):
        row = read_row(values)
        assert row.schema == SCHEMA
        kept = {name for name in values if hasattr(row, name)}
        assert {name: getattr(row, name) for name in kept} == {name: values[name] for name in kept}
        assert values.keys() - kept == {"checkpoint_in", "checkpoint_in_sha256"}
        assert (row.weights.path, row.weights.sha256) == (values["checkpoint_in"], values["checkpoint_in_sha256"])
        limit = re.search(r"TRAIN\.DATA_LIMIT=(\d+)", row.command)
        assert row.n_images == (len(row.images) or (int(limit[1]) if limit else 50_000))
        assert all(split.sha256 is None for split in row.data.values()) is not bool(row.images)
        assert row.images_seen is None
        assert row.shots == []


@pytest.mark.parametrize("file", LEDGERS, ids=lambda file: file.stem)
def test_no_committed_row_is_skipped(file: Path) -> None:
    notes: list[str] = []
    assert ledger.read([file], notes.append)
    assert notes == []


def test_a_row_is_read_as_it_was_written(a_row: MakeRow) -> None:
    split = DataSplit("cifar10", 50_000, 10, "ab", sampled=True)
    row = a_row(
        data={"train": split, "test": DataSplit("x", drawn_from="y")}, weights=Weights("/a", "b", "c"), shots=[1]
    )
    assert read_row(json.loads(json.dumps(dataclasses.asdict(row)))) == row


def test_fields_that_this_version_does_not_know_are_ignored(a_row: MakeRow) -> None:
    row = a_row(data={"train": DataSplit("set")})
    values = dataclasses.asdict(row) | {"energy_kwh": 3}
    values["weights"] |= {"tensors": "12 of 12"}
    values["data"]["train"] |= {"licence": "CC0"}
    assert read_row(values) == row
    assert read_row(version_1(energy_kwh=3)) == read_row(version_1())


def test_a_row_of_a_later_version_is_named_in_one_sentence_and_skipped(tmp_path: Path, a_row: MakeRow) -> None:
    path, rows = tmp_path / "ledger.jsonl", [a_row(run_id="a"), a_row(run_id="b")]
    ledger.append(path, rows[0])
    with path.open("a") as file:
        file.write(json.dumps({"schema": SCHEMA + 1, "everything": "else"}) + "\n")
    ledger.append(path, rows[1])
    notes: list[str] = []
    assert ledger.read([path], notes.append) == rows
    assert notes == [
        f"{path}, line 2: skipped, not a ledger row: it has schema 3, of a later version of vissl_monoimage, and this "
        "one reads schemas up to 2"
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(version=st.sampled_from([1, 2]), data=st.data())
def test_a_row_with_anything_in_a_field_is_read_or_refused_in_one_sentence(
    a_row: MakeRow, version: int, data: st.DataObject
) -> None:
    values = version_1() if version == 1 else dataclasses.asdict(a_row(data={"train": DataSplit("set")}))
    values[data.draw(st.sampled_from(sorted(values)))] = data.draw(JSON)
    try:
        read_row(values)
    except MonoImageError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("schema", ["2", 0, None, True, 1.0])
def test_a_schema_that_is_no_version_is_refused(schema: object) -> None:
    with pytest.raises(MonoImageError, match=r"schema=.* must be a whole number from 1"):
        read_row(version_1(schema=schema))


# Version 1.


def test_facts_of_version_1_come_from_its_command() -> None:
    probe = read_row(version_1(command="monoimage run config=x config.MODEL.WEIGHTS_INIT.PARAMS_FILE=zoo:rotnet-1"))
    assert probe.overrides == ["config=x", "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=zoo:rotnet-1"]
    assert probe.weights.zoo == "rotnet-1"
    last_wins = f"{probe.command} config.MODEL.WEIGHTS_INIT.PARAMS_FILE=/a/b.torch"
    assert read_row(version_1(command=last_wins)).weights.zoo is None
    few = read_row(version_1(accuracies={f"conv1 k={k}": {"top_1": 1.0} for k in (16, 1, 2)}))
    assert few.shots == [1, 2, 16]
    (init,) = (row for row in COMMITTED if "schema" not in row and row["name"] == "init kmeans" and row["seed"] == 0)
    assert read_row(init).overrides[1:] == ["--trunk=convnet4", "--seed=0", "--crops=2048"]


@pytest.mark.parametrize(
    ("dataset", "overrides", "count"),
    [
        ("cifar10", "", 50_000),
        ("CIFAR100", "config.DATA.TRAIN.DATA_LIMIT=-1", 50_000),
        ("cifar10", "config.DATA.TRAIN.DATA_LIMIT=500 config.SEED_VALUE=1", 500),
        ("cifar10", "config.DATA.TRAIN.DATA_LIMIT=70000", 50_000),
        ("cifar10", "config.DATA.TEST.DATA_LIMIT=500", 50_000),
        ("cifar10", "+config/monoimage=[cpu,smoke]", 8),
        ("cifar10", "+config/monoimage=smoke config.DATA.TRAIN.DATA_LIMIT=64", 64),
        ("my_folder", "", None),
        ("imagenet1k", "", 1_281_167),
    ],
)
def test_the_images_of_a_data_set_are_counted_for_version_1(dataset: str, overrides: str, count: int | None) -> None:
    row = version_1(kind="pretrain", dataset=dataset, images=[], command=f"monoimage run config=x {overrides}")
    assert read_row(row).n_images == count


# Experiments.


def learned_from(path: str, sha256: str, entry: str) -> Row:
    """Return a row of version 1 that learned from one photo, which its command names as `entry`."""
    source = next(row for row in COMMITTED if row["kind"] == "pretrain" and row["images"])
    images = [{"name": Path(path).name, "path": path, "sha256": sha256}]
    return read_row({**source, "images": images, "command": f"monoimage run config.DATA.TRAIN.DATA_PATHS=[{entry}]"})


def test_photos_of_one_name_are_two_experiments_and_images_drawn_for_seeds_are_one() -> None:
    first, moved = learned_from("/a/me.jpg", "1", "a/me.jpg"), learned_from("/moved/me.jpg", "1", "me.jpg")
    second = learned_from("/b/me.jpg", "2", "b/me.jpg")
    assert first.experiment == moved.experiment != second.experiment
    suffixes = disambiguating_suffixes(["rotnet on me.jpg (1 image)"] * 2, [first, second])
    assert suffixes[0] != suffixes[1]
    drawn = [learned_from(f"/data/{number}.png", str(number), "out/photos/cifar10_1.txt") for number in (3, 4)]
    assert drawn[0].experiment == drawn[1].experiment != first.experiment


def test_two_fingerprints_are_two_experiments(a_row: MakeRow) -> None:
    def probe(train: str | None, test: str | None, **changes: Any) -> str:
        data = {"train": DataSplit("set", sha256=train), "test": DataSplit("set", sha256=test)}
        return a_row(data=data, **changes).experiment

    assert probe("a", "b") == probe("a", "b")
    others = [probe(*pair) for pair in (("a", "b"), ("a", "c"), ("c", "b"), ("a", None), (None, "b"), (None, None))]
    assert len(set(others)) == 6
    assert probe(None, None) == a_row().experiment == a_row().group_hash
    # What tests a pretraining has no influence on its weights.
    assert probe("a", "b", kind="pretrain") == probe("a", "c", kind="pretrain") != probe("b", "b", kind="pretrain")


def test_draws_from_one_data_set_are_one_experiment_whatever_was_drawn(a_row: MakeRow) -> None:
    def drawn(sha256: str, drawn_from: str | None) -> str:
        return a_row(kind="pretrain", data={"train": DataSplit("x", sha256=sha256, drawn_from=drawn_from)}).experiment

    assert drawn("1", "cifar10") == drawn("2", "cifar10")
    assert len({drawn("1", "cifar10"), drawn("1", "cifar100"), drawn("1", None), drawn("2", None)}) == 4


# No reader parses a command.


def test_a_command_is_read_by_the_upgrade_and_shown_to_people_and_nothing_else() -> None:
    package = Path(vissl_monoimage.__file__).parent
    readers = set()
    for file in package.rglob("*.py"):
        tree = ast.parse(file.read_text())
        reads = any(isinstance(node, ast.Attribute) and node.attr == "command" for node in ast.walk(tree))
        by_key = any(
            isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "command"
            for node in ast.walk(tree)
        )
        if reads or by_key:
            readers.add(str(file.relative_to(package)))
    assert readers == {
        "ledger/upgrade.py",
        "ledger/hook_vissl.py",  # writes it: provenance.command
        "report/formats/run_facts.py",  # shows it
        "export/facts.py",  # and hides names of photos for a model card
        "export/card_sections.py",  # which shows it
        "reproduce/rerun.py",  # gives it again, where a user asks for that
        "cli/main.py",  # the subcommand of the command line
    }


def test_committed_rows_of_version_1_are_never_rewritten() -> None:
    lines = sorted(line for file in LEDGERS for line in file.read_bytes().splitlines() if b'"schema"' not in line)
    assert len(lines) == 218
    assert hashlib.sha256(b"\n".join(lines)).hexdigest().startswith(VERSION_1)


def test_what_is_wrong_with_a_row_is_one_line() -> None:
    with pytest.raises(MonoImageError, match=r"accuracies: a\\nb must map top_k to percentages"):
        read_row(version_1(accuracies={"a\nb": None}))
