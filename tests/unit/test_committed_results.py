"""The tables and the page in benchmarks/results are those of the ledgers beside them."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from vissl_monoimage.report import ledger
from vissl_monoimage.report.longform import long_form
from vissl_monoimage.report.render import grid
from vissl_monoimage.report.table import build, link
from vissl_monoimage.reproduce.grid import read_grid
from vissl_monoimage.reproduce.results import with_neighbours

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
LEDGERS = sorted(RESULTS.glob("*.jsonl"))


@pytest.mark.parametrize("file", LEDGERS, ids=lambda file: file.stem)
def test_a_table_is_made_of_its_ledger(file: Path) -> None:
    rows = with_neighbours(ledger.read([file]), read_grid(file.stem))
    assert file.with_suffix(".csv").read_text() == long_form(build(link(rows)))


def test_the_page_shows_the_cells_of_its_table() -> None:
    page = html.unescape((RESULTS / "table3-cifar.html").read_text())
    (table,) = build(link(ledger.read([RESULTS / "table3-cifar.jsonl"])))
    _, lines = grid(table)
    assert len(lines) == 8
    assert not [cell for line in lines for cell in line if cell not in page]
