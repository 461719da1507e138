"""What a run's folder keeps of its initial weights, for the row of a run that is resumed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.initial_weights import FILE_NAME, WEIGHTS_FILE, note_initial_weights, weights_sha256
from vissl_monoimage.ledger.initial_weights_table import initial_weights_hash
from vissl_monoimage.ledger.row_parts import InitialWeights
from vissl_monoimage.models.checkpoint.load import load_trunk
from vissl_monoimage.models.checkpoint.report import LoadReport
from vissl_monoimage.models.trunks.registry import build_trunk

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
REPORT = LoadReport("/a/b.torch", "ab", "convnet4", loaded=18, total=24)


def test_a_resumed_run_has_the_record_of_its_start(tmp_path: Path) -> None:
    trunk = nn.Linear(2, 3)
    started = note_initial_weights(tmp_path, 0, "checkpoint", trunk, REPORT)
    assert started == InitialWeights("checkpoint", weights_sha256(trunk.state_dict()), 18, 24)
    assert note_initial_weights(tmp_path, 7, "random", nn.Linear(2, 3)) == started


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"origin": 3}', '{"origin": "random", "loaded": "all"}', "\0\0"])
def test_a_damaged_record_leaves_what_the_configuration_says(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert note_initial_weights(tmp_path, 7, "checkpoint", nn.Linear(2, 3)) == InitialWeights("checkpoint")


def test_a_record_without_counts_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"origin": "random", "sha256": "ab"}\n')
    assert note_initial_weights(tmp_path, 7, "checkpoint", nn.Linear(2, 3)) == InitialWeights("random", "ab")


def test_the_weights_that_are_kept_are_those_of_the_start_and_open_like_any_checkpoint(tmp_path: Path) -> None:
    trunk = build_trunk("convnet4")
    noted = note_initial_weights(tmp_path, 0, "random", trunk, keep=True)
    note_initial_weights(tmp_path, 7, "random", build_trunk("convnet4"), keep=True)
    kept = load_trunk(str(tmp_path / WEIGHTS_FILE), "convnet4")
    assert weights_sha256(kept.state_dict()) == noted.sha256
    assert not list(tmp_path.glob("*.torch"))  # which VISSL would resume from


def test_committed_rows_start_from_the_weights_of_their_seed_times_their_epochs() -> None:
    """RotNet on convnet4 runs 3 epochs, its probe 6: seed 2 of the one has the weights of seed 1 of the other.

    `monoimage init` has drawn or calibrated RotNet's.
    """
    rows = ledger.read([RESULTS / "table3-cifar.jsonl"], lambda note: None)
    made = [row for row in rows if row.name.startswith("init ")]
    found = {("rotnet", row.seed, initial_weights_hash(row)) for row in made}
    drawn = [row for row in rows if row.method in ("rotnet", "random") and row not in made]
    found |= {(row.method, row.seed, initial_weights_hash(row)) for row in drawn}
    expected = {}
    for method, epochs in (("rotnet", 3), ("random", 6)):
        for seed in (0, 1, 2):
            torch.manual_seed(seed * epochs)
            expected[method, seed] = weights_sha256(build_trunk("convnet4").state_dict())
    if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512"):  # others draw other normal numbers
        assert found == {(*key, sha256) for key, sha256 in expected.items()}
    assert expected["rotnet", 2] == expected["random", 1]
    assert len(set(expected.values())) == 4


def test_a_row_of_its_own_hash_is_not_looked_up_and_every_committed_start_is_known() -> None:
    rows = ledger.read(sorted(RESULTS.glob("*.jsonl")), lambda note: None)
    own = dataclasses.replace(rows[0], initial_weights=InitialWeights("random", "ab"))
    assert initial_weights_hash(own) == "ab"
    trained = [row for row in rows if row.kind == "pretrain" and not row.name.startswith("init ")]
    drawn = [row for row in rows if row.method == "random"]
    assert [row.run_id for row in [*trained, *drawn] if not initial_weights_hash(row)] == []
