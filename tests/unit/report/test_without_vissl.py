"""A whole report in an environment without VISSL: tables, page, LaTeX, CSV, and layers compared with a reference."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from environments import Environment

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.report.formats.latex import escape
from vissl_monoimage.report.tables.accuracy import header_and_rows
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import build_tables

MakeRow = Callable[..., Row]
RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"


def trained(folder: Path, a_row: MakeRow, method: str, trunk: str, images: int) -> list[Row]:
    """Return a pretraining with a checkpoint in the format of VISSL, and its probe."""
    name, file = f"{method}-{trunk}-{images}", folder / f"{method}-{trunk}-{images}.torch"
    weights = build_trunk(trunk).state_dict() if trunk == "convnet4" else {"weight": torch.ones(2)}
    torch.save({"classy_state_dict": {"base_model": {"model": {"trunk": weights, "heads": {}}}}}, file)
    photos = [{"name": f"{number}.jpg", "path": f"{number}.jpg", "sha256": str(number)} for number in range(images)]
    common = {"trunk": trunk, "images": photos, "dataset": "set", "group_hash": name}
    return [
        a_row(run_id=name, kind="pretrain", method=method, checkpoint_out_sha256=name, accuracies={}, **common),
        a_row(run_id=f"{name}-p", trunk=trunk, weights=Weights(str(file), name)),
    ]


def test_a_whole_report_needs_no_vissl(without_vissl: Environment, tmp_path: Path, a_row: MakeRow) -> None:
    shutil.copy(RESULTS / "table3-cifar.jsonl", tmp_path / "ledger.jsonl")
    for trunk in ("convnet4", "alexnet_rotnet"):
        for images in (1, 3):
            for row in trained(tmp_path, a_row, "ours", trunk, images):
                ledger.append(tmp_path / "ledger.jsonl", row)
    done = without_vissl.run("-m", "vissl_monoimage", "report", str(tmp_path), "-o", "out", cwd=tmp_path, checkout=True)
    assert "Traceback" not in done.stderr
    page = html.unescape((tmp_path / "out" / "report.html").read_text()).replace("\xa0", " ")  # no break in a number
    table = (RESULTS / "table3-cifar.csv").read_text()
    assert set(table.splitlines()) <= set((tmp_path / "out" / "report.csv").read_text().splitlines())
    markdown, latex = ((tmp_path / "out" / f"report.{kind}").read_text() for kind in ("md", "tex"))
    for measured in build_tables(join_probes(ledger.read([RESULTS / "table3-cifar.jsonl"]))):
        for cell in (cell for row in header_and_rows(measured)[1] for cell in row):
            assert cell in page
            assert cell in markdown
            assert escape(cell) in latex
    assert "CKA with ours on 3 images: convnet4" in page
    assert "Not compared layer by layer: trunk 'alexnet_rotnet' is VISSL's, which is not installed" in page
