"""The clusters section of a page: the last contact sheet, byte for byte, and numbers by epoch."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import page_of
from PIL import Image

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.pretext.deepcluster import artifacts as names

TITLE = "<h2>Clusters</h2>"


@pytest.fixture
def a_run(tmp_path: Path, a_row: Callable[..., Row]) -> Row:
    """Return the row of a run whose folder has two contact sheets and the records of three clusterings."""
    (tmp_path / names.FOLDER).mkdir()
    for epoch in (1, 3):
        noise = np.random.default_rng(epoch).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / names.FOLDER / f"{names.CLUSTERS}_{epoch:04d}.png")
    lines: list[dict[str, Any]] = [
        {"epoch": 1, "clusters": 90, "largest_share": 0.1},
        {"epoch": 2, "clusters": 80, "largest_share": 0.1, "nmi_previous": 0.25},
        {"epoch": 3, "clusters": 70, "largest_share": 0.1, "nmi_previous": 0.5},
    ]
    (tmp_path / names.CLUSTERS_FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return a_row(
        run_id="run",
        kind="pretrain",
        method="deepcluster",
        protocol=None,
        accuracies={},
        images=[{"name": "china", "path": "/gone.jpg", "sha256": "5" * 64}],
        checkpoint_out=str(tmp_path / "final.torch"),
    )


def test_a_deepcluster_run_has_no_section_of_generated_images(a_run: Row) -> None:
    page = page_of([dataclasses.replace(a_run, losses=[[1, 6.0], [2, 5.0]])])
    assert "samples" not in page
    assert "players" not in page
    assert "Training loss of deepcluster" in page


def section(page: str) -> str:
    return page.split(TITLE)[1].split("</section>")[0] if TITLE in page else ""


def test_the_last_contact_sheet_and_the_numbers_are_shown(a_run: Row, tmp_path: Path) -> None:
    found = re.findall(r'<img src="data:image/([a-z+]+);base64,([^"]+)" alt="([^"]+)">', section(page_of([a_run])))
    images = {html.unescape(alt): base64.b64decode(data) for _, data, alt in found}
    sheet = f"each row is a cluster that deepcluster on china (1 image), seed {a_run.seed} made before epoch 3"
    (picture,) = [data for alt, data in images.items() if sheet in alt]
    assert picture == (tmp_path / names.FOLDER / "clusters_0003.png").read_bytes()
    assert any("non-empty from 90 at epoch 1 to 70 at epoch 3" in alt for alt in images)
    assert any("NMI from 0.25 at epoch 2 to 0.5 at epoch 3" in alt for alt in images)


def test_a_missing_contact_sheet_is_named(a_run: Row, tmp_path: Path) -> None:
    for picture in (tmp_path / names.FOLDER).iterdir():
        picture.unlink()
    page = html.unescape(page_of([a_run]))
    assert (
        f"Not shown: there is no contact sheet of the clusters of deepcluster on china (1 image), seed {a_run.seed}"
        in page
    )
    assert section(page).count("<img") == 2


def test_runs_of_other_methods_have_no_clusters_section(a_row: Callable[..., Row]) -> None:
    assert TITLE not in page_of([a_row(kind="pretrain", method="rotnet", protocol=None, accuracies={})])
