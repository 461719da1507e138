"""What a run's folder keeps of its initial weights, for the row of a run that is resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from vissl_monoimage.ledger.initial_weights import FILE_NAME, note_initial_weights, weights_sha256
from vissl_monoimage.ledger.row_parts import InitialWeights
from vissl_monoimage.models.checkpoint.report import LoadReport

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
