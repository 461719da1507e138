"""Hand-made features: probed through the launcher, and a line of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LAYERS = {"scattering_32px": ["scattering_J2", "scattering_J3"], "hog_32px": ["hog_cell4", "hog_cell8"]}
LABELS = {"scattering_32px": "scattering (fixed features)", "hog_32px": "HOG (fixed features)"}


@pytest.mark.parametrize("trunk", LAYERS)
def test_fixed_features_are_probed_and_reported_as_such(
    monoimage, small_probe: list[str], tmp_path: Path, trunk: str
) -> None:
    monoimage(
        "run",
        *small_probe,
        f"config.MODEL.TRUNK.NAME={trunk}",
        "config.MONOIMAGE.CACHE_FEATURES=true",
        "config.MONOIMAGE.PATCHES.SIZE=32",
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
