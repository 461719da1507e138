"""The page of speed figures says what the committed files say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed.command import BENCHMARKS, main, record_of
from benchmarks.speed.measurement import Figure, Measurement
from benchmarks.speed.page import PAGE, RESULTS, page


def test_the_committed_page_is_made_from_the_committed_files() -> None:
    """`python benchmarks/speed --page` makes it so."""
    assert PAGE.read_text() == page()


def test_a_figure_that_misses_its_goal_is_said_to_with_the_reason(tmp_path: Path) -> None:
    figure = Figure("a figure", "images/s", 800, 1000, 1.25, at_most=1.05, reason="the loader is slow")
    (tmp_path / "some.json").write_text(
        json.dumps(record_of("--only some", 5, 60.0, Measurement("a step", "a loop", "wall", (figure,), [])))
    )
    (line,) = (line for line in page(tmp_path).splitlines() if line.startswith("| a figure"))
    assert line == "| a figure | images/s | 800 | 1000 | 1.25 | ≤ 1.05 | not reached |"
    assert "- a figure: the loader is slow" in page(tmp_path)


def test_every_committed_file_is_of_a_benchmark() -> None:
    assert {file.stem for file in RESULTS.glob("*.json")} <= set(BENCHMARKS)


@pytest.mark.parametrize(("ratio", "bounds", "reached"), [
    (20.0, {"at_least": 10}, True), (9.9, {"at_least": 10}, False), (1.05, {"at_most": 1.05}, True),
    (1.06, {"at_most": 1.05}, False), (3.0, {}, None),
])  # fmt: skip
def test_a_goal_is_reached_within_its_bound(ratio: float, bounds: dict[str, float], reached: bool | None) -> None:
    assert Figure("a figure", "s", 1.0, 1.0, ratio, **bounds).reached is reached


def test_the_command_starts_from_any_folder(tmp_path: Path) -> None:
    shutil.copy(PAGE, tmp_path / "before.md")
    command = [sys.executable, str(PAGE.parent), "--page"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert PAGE.read_text() == (tmp_path / "before.md").read_text()


def test_data_that_are_not_there_are_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "step", "--data", str(tmp_path)])
    assert "must be a folder with train/<class>/*.png" in capsys.readouterr().err
