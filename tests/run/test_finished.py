"""A run is finished when its row is in the ledger, not when its final checkpoint is on the disk."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from vissl_monoimage.ledger.io import read
from vissl_monoimage.ledger.row import Row

SMOKE = ["run", "config=pretrain/monoimage/rotnet_convnet4", "+config/monoimage=smoke", "config.CHECKPOINT.DIR=run"]
LATER = {"finished", "wall_s"}


def facts(row: Row) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(row).items() if name not in LATER}


@pytest.mark.parametrize("tested", [True, False])
def test_a_run_stopped_between_its_last_checkpoint_and_its_row_gets_the_row(
    monoimage: Any, tmp_path: Path, tested: bool
) -> None:
    command = [*SMOKE, f"config.TEST_MODEL={tested}"]
    monoimage(*command)
    ledger, (final,) = tmp_path / "run" / "ledger.jsonl", (tmp_path / "run").glob("model_final_checkpoint_*.torch")
    (undisturbed,) = read([ledger])
    weights = final.read_bytes()
    ledger.unlink()  # as if it had been killed before

    again = monoimage(*command)
    (row,) = read([ledger])
    assert facts(row) == facts(undisturbed)
    assert final.read_bytes() == weights
    assert "has no row of it" in again.stderr
    if tested:
        assert "epoch 2/2" not in again.stdout  # nothing is trained again
        assert "test after epoch 2" in again.stdout

    before = ledger.read_bytes()
    assert "finished" in monoimage(*command).stderr
    assert ledger.read_bytes() == before


def test_the_row_may_be_in_a_ledger_that_runs_share(monoimage: Any, tmp_path: Path) -> None:
    command = [*SMOKE, f"+config.MONOIMAGE.LEDGER={tmp_path / 'all.jsonl'}"]
    monoimage(*command)
    other = tmp_path / "other.jsonl"
    other.write_bytes((tmp_path / "all.jsonl").read_bytes())
    assert "finished" in monoimage(*command).stderr
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 1
    (tmp_path / "all.jsonl").write_text(other.read_text().replace(read([other])[0].checkpoint_out_sha256 or "", "5a"))
    assert "has no row of it" in monoimage(*command).stderr
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 2
