"""A report of ledger rows: printed, as Markdown, as CSV, and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.report import render
from vissl_monoimage.report.ledger import Row, replace_text
from vissl_monoimage.report.page import render_page
from vissl_monoimage.report.table import build, link


def write(rows: Sequence[Row], out: Path) -> Path:
    """Write report.md, report.csv and report.html into `out`, print the tables and where the page is; returns the page.

    Raises:
        MonoImageError: a folder that cannot be written.
    """
    tables = build(link(rows))
    page = out / "report.html"
    replace_text(page, render_page(rows))
    replace_text(out / "report.md", render.markdown(tables))
    replace_text(out / "report.csv", render.long_csv(tables))
    if tables:
        render.show(tables)
    else:
        print(f"{len(rows)} pretraining run(s), none probed yet: no per-layer table")
    print(f"page: {page}")
    return page
