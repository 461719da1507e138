"""What pretrainings cost, and whether their tasks transfer, beside the accuracies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.report.formats.csv import tables_as_csv
from vissl_monoimage.report.tables.accuracy import header_and_rows, text_tables
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import Table, build_tables
from vissl_monoimage.report.tables.transfer import NOTE

Make = Callable[..., Row]


def table_of(a_row: Make, *pretrainings: dict[str, object]) -> Table:
    """Return random weights and the seeds of one pretraining, which differ in nothing but `pretrainings`."""
    rows = [a_row(run_id="random")]
    for seed, changes in enumerate(pretrainings):
        made = {
            "kind": "pretrain",
            "method": "rotnet",
            "seed": seed,
            "group_hash": "p",
            "protocol": None,
            "dataset": "cifar10",
            "accuracies": {},
            "checkpoint_out_sha256": f"w{seed}",
            "iterations": 1173,
        }
        rows.append(a_row(run_id=f"p{seed}", **(made | changes)))
        rows.append(a_row(run_id=f"probe{seed}", weights=Weights("/x", f"w{seed}"), group_hash="of a checkpoint"))
    (table,) = build_tables(join_probes(rows))
    return table


@pytest.mark.parametrize(
    ("pretrainings", "images", "hours"),
    [
        ([{"device": "1 x cpu (2 threads)", "wall_s": 1800.0, "images_seen": 600_000}], "600,000", "1.00"),
        (
            [
                {"device": "1 x cpu (1 threads), bfloat16", "wall_s": 3600.0},
                {"device": "2 x cpu (4 threads)", "wall_s": 1350.0},
            ],
            "-",
            "2.00",
        ),
        ([{"device": "8 x NVIDIA H200, bfloat16", "wall_s": 900.0, "images_seen": 7}], "7", "2.00 GPU"),
        (
            [
                {"device": "1 x NVIDIA H100, bfloat16, then 1 x cpu (1 threads), bfloat16", "wall_s": 720.0},
                {"device": "1 x cpu (1 threads), then 1 x cpu (2 threads)", "wall_s": 1800.0, "images_seen": 5},
            ],
            "5",
            "1.00, 0.20 GPU",
        ),
    ],
)
def test_every_table_says_images_seen_steps_and_core_hours(
    a_row: Make, pretrainings: list[dict[str, object]], images: str, hours: str
) -> None:
    header, (random, trained) = header_and_rows(table_of(a_row, *pretrainings))
    columns = [header.index(name) for name in ("images seen", "steps", "core-hours")]
    assert [trained[column] for column in columns] == [images, "1,173", hours]
    assert [random[column] for column in columns] == ["-", "-", "-"]


def test_the_csv_has_the_cost_of_each_line(a_row: Make) -> None:
    table = table_of(a_row, {"device": "1 x cpu (2 threads)", "wall_s": 1800.0, "images_seen": 600_000})
    header, random, trained = (line.split(",") for line in tables_as_csv([table]).splitlines())
    assert [dict(zip(header, line, strict=True))["core_hours"] for line in (random, trained)] == ["", "1.0000"]
    assert dict(zip(header, trained, strict=True))["images_seen"] == "600000"
    assert dict(zip(header, trained, strict=True))["steps"] == "1173"


def test_the_transfer_of_a_pretext_task_is_a_table_of_measures_by_set_of_images(a_row: Make) -> None:
    transfer = [
        {
            "unseen_photos": {"rotation_accuracy": 30.0 + seed, "view_ami": 0.5},
            "cifar10": {"rotation_accuracy": 40.0},
        }
        for seed in (0, 2)
    ]
    texts = text_tables(table_of(a_row, *({"pretext": {"split": "test", "transfer": sets}} for sets in transfer)))
    (text,) = [text for text in texts if NOTE in text.notes]
    assert text.header == ["pretraining", "measure", "unseen photos", "cifar10"]
    assert text.rows == [
        ["rotnet on cifar10", "rotation accuracy", "31.0 ± 12.7", "40.0 ± 0.0"],
        ["rotnet on cifar10", "view ami", "0.500 ± 0.000", "-"],
    ]


def test_without_measures_of_transfer_there_is_no_table_of_them(a_row: Make) -> None:
    texts = text_tables(table_of(a_row, {"pretext": {"split": "test", "top_1": 90.0}}))
    assert not [text for text in texts if NOTE in text.notes]
