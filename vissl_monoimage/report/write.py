"""A report of ledger rows: printed, as Markdown, LaTeX and CSV, and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.ledger.io import Row, replace_text
from vissl_monoimage.report.formats import terminal as render
from vissl_monoimage.report.formats.csv import long_form
from vissl_monoimage.report.formats.html import render_page
from vissl_monoimage.report.formats.latex import latex
from vissl_monoimage.report.formats.markdown import markdown
from vissl_monoimage.report.tables.table import build, link


def write(rows: Sequence[Row], out: Path) -> Path:
    """Write report.html, .md, .tex and .csv into `out`, print the tables and where the page is; returns the page.

    Raises:
        MonoImageError: a folder that cannot be written.
    """
    tables = build(link(rows))
    page = out / "report.html"
    replace_text(page, render_page(rows))
    texts = [one for table in tables for one in render.text_tables(table)]
    for name, text in {"md": markdown(texts), "tex": latex(texts), "csv": long_form(tables)}.items():
        replace_text(out / f"report.{name}", text)
    if tables:
        render.show(tables)
    else:
        print(f"{len(rows)} pretraining run(s), none probed yet: no per-layer table")
    print(f"page: {page}")
    return page
