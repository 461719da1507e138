"""Images that committed pretrainings saw, by the rule of docs/ledger.md."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Callable
from pathlib import Path

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.images_seen_table import images_seen
from vissl_monoimage.ledger.row import Row

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"


def test_every_committed_pretraining_says_what_it_saw() -> None:
    """RotNet: epochs of 50,000 crops in four rotations; MonoGAN: batches of 32; the others: epochs of 50,000."""
    rows = [row for row in ledger.read(sorted(RESULTS.glob("*.jsonl"))) if row.kind == "pretrain"]
    assert [row.run_id for row in rows if bool(images_seen(row)) is (row.method == "random")] == []
    expected = {
        ("rotnet", 1173): 3 * 50_000 * 4,
        ("rotnet", 391 * 2): 2 * 50_000 * 4,
        ("deepcluster", 3128): 8 * 50_000,
        ("supervised", 4692): 12 * 50_000,
        ("monogan", 7810): 7810 * 32,
    }
    old = [row for row in rows if row.images_seen is None and row.trunk == "convnet4"]
    found = {(row.method, row.iterations): images_seen(row) for row in old}
    assert expected.items() <= found.items()


def test_a_row_that_says_itself_what_it_saw_is_not_looked_up() -> None:
    row = next(row for row in ledger.read([RESULTS / "table3-cifar.jsonl"]) if row.kind == "pretrain")
    assert images_seen(dataclasses.replace(row, images_seen=7)) == 7
    assert images_seen(dataclasses.replace(row, images_seen=None, run_id="of nobody")) is None


def test_a_row_that_does_not_say_how_many_images_it_had_is_left_out_of_the_table(a_row: Callable[..., Row]) -> None:
    script = runpy.run_path(str(RESULTS.parent / "images_seen.py"), run_name="images_seen")
    changes = {"kind": "pretrain", "name": "init kmeans"}
    rows = [a_row(run_id="unknown", **changes), a_row(run_id="known", n_images=160, **changes)]
    assert list(script["recomputed"](rows)) == [("known", 160)]
