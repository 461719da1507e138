"""Different data never share a line or a table, and what a line's numbers leave open is marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, InitialWeights, Weights
from vissl_monoimage.report.formats.csv import tables_as_csv
from vissl_monoimage.report.tables.accuracy import accuracy_table, header_and_rows
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import Table, build_tables

MakeRow = Callable[..., Row]
Data = dict[str, DataSplit]


def data(sha256: str | None, name: str = "set") -> Data:
    return {split: DataSplit(name, 100, 10, sha256 and f"{sha256}-{split}") for split in ("train", "test")}


@pytest.fixture
def trained(a_row: MakeRow) -> Callable[..., list[Row]]:
    """Return `trained(seed, top_1, learned="a", probed="p", weights=None, **changes)`: a pretraining and its probe."""

    def rows(
        seed: int,
        top_1: float,
        learned: str | None = "a",
        probed: str | None = "p",
        weights: str | None = None,
        **changes: Any,
    ) -> list[Row]:
        out = weights or f"{learned}{seed}"
        source = {"kind": "pretrain", "method": "rotnet", "dataset": "set", "group_hash": "g", "accuracies": {}}
        made = {"run_id": f"{out}{probed}", "seed": seed, "data": data(learned), "checkpoint_out_sha256": out}
        measured = {"conv1": {"top_1": top_1}}
        return [
            a_row(**{**source, **made, **changes}),
            a_row(run_id=f"{out}{probed}p", data=data(probed), weights=Weights("/x", out), accuracies=measured),
        ]

    return rows


def tables(*pairs: list[Row]) -> list[Table]:
    return build_tables(join_probes([row for pair in pairs for row in pair]))


def notes(table: Table) -> str:
    return " ".join(accuracy_table(table).notes)


def test_data_sets_of_one_name_and_other_content_are_two_tables(trained: Callable[..., list[Row]]) -> None:
    """Folders setA/{train,test} and setB/{train,test} have one configuration: they were one line, 40.8 +- 73.7."""
    found = tables(trained(0, 35.0, probed="setA"), trained(0, 46.6, probed="setB"))
    assert [[line.cells["conv1"].mean for line in table.lines] for table in found] == [[35.0], [46.6]]
    assert [table.lines[0].cells["conv1"].n for table in found] == [1, 1]
    names = [table.dataset for table in found]
    assert len(set(names)) == 2
    assert all(name.startswith("set [data ") for name in names)
    rows = [line.split(",")[:4] for line in tables_as_csv(found).splitlines()[1:]]
    assert rows[0] != rows[1]


def test_a_probe_trained_on_other_data_is_in_another_table(a_row: MakeRow) -> None:
    one, other = data("a"), {**data("b"), "test": data("a")["test"]}
    assert len(tables([a_row(run_id="1", data=one), a_row(run_id="2", data=other)])) == 2


def test_trainings_on_data_of_one_name_and_other_content_are_two_lines(trained: Callable[..., list[Row]]) -> None:
    (table,) = tables(trained(0, 35.0, "a"), trained(1, 45.0, "b"))
    assert [line.cells["conv1"].n for line in table.lines] == [1, 1]
    assert len({line.label for line in table.lines}) == 2


def test_one_data_set_is_one_table_whose_name_is_its_own(trained: Callable[..., list[Row]]) -> None:
    (table,) = tables(trained(0, 35.0), trained(1, 45.0))
    assert (table.dataset, [line.cells["conv1"].n for line in table.lines]) == ("set", [2])
    assert header_and_rows(table)[1][0][0] == "rotnet on set"
    assert "hash" not in notes(table)


def test_unknown_data_pool_with_unknown_data_alone_and_are_marked(trained: Callable[..., list[Row]]) -> None:
    unknown = [trained(seed, 30.0 + seed, None, None, weights=f"u{seed}") for seed in (0, 1)]
    known = trained(2, 60.0)
    first, second = tables(*unknown, known)
    assert (first.dataset, first.lines[0].seeds) == ("set [data not hashed]", ("0", "1"))
    assert second.lines[0].seeds == ("2",)
    assert "The images were not hashed: the data set is known by its name alone." in notes(first)
    assert header_and_rows(first)[1][0][0] == "rotnet on set §"
    assert "§ Pretrained on images that were not hashed" in notes(first)
    assert "hashed" not in notes(second)
    (alone,) = tables(*unknown)
    assert alone.dataset == "set"
    assert "not hashed" in notes(alone)


def test_trainings_of_one_seed_with_other_weights_are_named(trained: Callable[..., list[Row]]) -> None:
    one = trained(0, 40.0, weights="5a5a5a5a", device="1 x cpu")
    other = trained(0, 60.0, weights="6b6b6b6b", device="1 x H100")
    (table,) = tables(one, other, trained(1, 50.0))
    (line,) = table.lines
    assert (line.cells["conv1"].n, line.cells["conv1"].mean) == (2, 50.0)
    assert header_and_rows(table)[1][0][0] == "rotnet on set ¶"
    assert (
        "¶ rotnet on set: seed 0 was trained 2 times with different results (5a5a5a on 1 x cpu, 6b6b6b on 1 x H100), "
        "whose mean counts as one trunk." in notes(table)
    )


def test_the_pretext_accuracy_of_a_seed_is_the_mean_of_its_trainings(trained: Callable[..., list[Row]]) -> None:
    one = trained(0, 40.0, weights="5a", pretext={"split": "test", "top_1": 20.0})
    other = trained(0, 60.0, weights="6b", pretext={"split": "test", "top_1": 40.0})
    (table,) = tables(one, other)
    pretext = table.lines[0].pretext
    assert pretext
    assert (pretext.mean, pretext.n) == (30.0, 1)


def test_pretext_accuracies_on_other_test_data_are_not_averaged(trained: Callable[..., list[Row]]) -> None:
    pretext = {"split": "test", "top_1": 20.0}
    one = trained(0, 40.0, pretext=pretext)
    other = trained(1, 40.0, pretext=pretext, data={**data("a"), "test": data("b")["test"]})
    (table,) = tables(one, other)
    assert table.lines[0].cells["conv1"].n == 2
    assert table.lines[0].pretext is None


def test_a_training_repeated_to_the_bit_is_no_conflict(trained: Callable[..., list[Row]]) -> None:
    first, probe = trained(0, 40.0)
    (table,) = tables([first, probe], trained(0, 40.0, run_id="again"))
    assert header_and_rows(table)[1][0][0] == "rotnet on set"


def test_random_weights_of_one_seed_that_differ_are_named(a_row: MakeRow) -> None:
    probes = [
        a_row(run_id=sha256, initial_weights=InitialWeights("random", sha256), data=data("p"))
        for sha256 in ("5a5a5a5a", "6b6b6b6b")
    ]
    (table,) = tables(probes)
    assert "¶ random weights: seed 0 was drawn 2 times with different results (5a5a5a on 1 x cpu" in notes(table)
    (table,) = tables(probes[:1])
    assert "¶" not in notes(table)


@pytest.mark.parametrize("dirty", ["pretrain", "probe"])
def test_lines_of_uncommitted_code_are_marked(trained: Callable[..., list[Row]], a_row: MakeRow, dirty: str) -> None:
    rows = [*trained(0, 40.0), *trained(1, 40.0), a_row(run_id="random", data=data("p"), git_sha="5a")]
    changed = next(row for row in rows if row.kind == dirty)
    rows[rows.index(changed)] = a_row(**{**vars(changed), "git_sha": "5a-dirty"})
    (table,) = tables(rows)
    assert [cells[0] for cells in header_and_rows(table)[1]] == ["random weights", "rotnet on set ‡"]
    assert "‡ Some of its rows were made with uncommitted changes in the code" in notes(table)
