"""Hand-made features probed through the launcher, to a line of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LAYERS = {"scattering_32px": ["scattering_J2", "scattering_J3"], "hog_32px": ["hog_cell4", "hog_cell8"]}
LABELS = {"scattering_32px": "scattering (nothing learned)", "hog_32px": "HOG (nothing learned)"}


@pytest.mark.parametrize("trunk", LAYERS)
def test_fixed_features_are_probed_and_reported_as_such(monoimage, tmp_path: Path, trunk: str) -> None:
    monoimage(
        "run",
        "config=benchmark/monoimage/linear_photo_patches",
        f"config.MODEL.TRUNK.NAME={trunk}",
        "config.MONOIMAGE.CACHE_FEATURES=true",
        "config.MONOIMAGE.PATCHES.SIZE=32",
        "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=128",
        "config.MONOIMAGE.PATCHES.TEST_SAMPLES=48",
        "config.OPTIMIZER.num_epochs=1",
        "config.OPTIMIZER.param_schedulers.lr.values=[0.01]",
        "config.OPTIMIZER.param_schedulers.lr.milestones=[]",
        "config.CHECKPOINT.DIR=probe",
    )
    (row,) = [json.loads(line) for line in (tmp_path / "probe" / "ledger.jsonl").read_text().splitlines()]
    assert list(row["accuracies"]) == LAYERS[trunk]
    monoimage("report", ".", "-o", "report")
    (line,) = [
        text for file in (tmp_path / "report").glob("*.md") for text in file.read_text().splitlines() if trunk in text
    ]
    assert LABELS[trunk] in line
    assert "n=1 (no seed), no interval" in line
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Not shown" not in page
    assert "random weights, seed" not in page
