"""Writes that fail at chosen places, with `benchmarks/fault_injection`: a short form of its campaign."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def inject(command: str, *options: str) -> dict[str, Any]:
    """Let the chosen writes of a command fail; return the summary."""
    if shutil.which("cc") is None:
        pytest.skip("the library that makes writes fail needs a C compiler, cc")
    words = [str(BENCHMARKS / "fault_injection"), "--only", command, *options]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.partition(" ")[2])


def test_dataset_write_goes_on_after_its_first_file_was_not_written() -> None:
    summary = inject("dataset", "--files", "monoimage.json", "--kinds", "full", "kill")
    assert (summary["files"], summary["faults"], summary["trials_that_failed"]) == (["monoimage.json"], 4, 0)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["dataset", "report", "export"])
def test_each_file_may_fail_at_its_first_and_last_write(command: str) -> None:
    summary = inject(command)
    assert summary["faults"] >= 12
    assert summary["ended_all_the_same"] == summary["trials_that_failed"] == 0


def test_the_committed_campaign_found_nothing_in_the_end() -> None:
    campaign = json.loads((BENCHMARKS / "results" / "faults.json").read_text())
    trials = [trial for writes in campaign.values() for kinds in writes.values() for trial in kinds.values()]
    assert f"| {len(trials)} faults at " in (BENCHMARKS.parent / "docs" / "reliability.md").read_text()
    assert [trial["problems"] for trial in trials if trial["problems"]] == []
