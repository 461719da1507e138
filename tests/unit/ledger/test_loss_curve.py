"""The loss curve of a run that is killed and resumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.ledger.loss_curve import MAX_POINTS, LossCurve


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
    points = file.read_text().splitlines(keepends=True) if file.exists() else []
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


@pytest.mark.parametrize("line", ["{}", "[1]", "5", "null", '["a", 1.0, 2.0]', "[2, 1.0, null]", "\0\0", "garbage"])
def test_a_broken_line_costs_itself_alone(tmp_path: Path, line: str) -> None:
    (tmp_path / "losses.jsonl").write_text(f"[1, 3.0, 0.5]\n{line}\n[3, null, 1.5]\n")
    curve = LossCurve(tmp_path, 3, 10)
    assert (curve.points, curve.seconds) == ([[1, 3.0], [3, None]], 1.5)
