"""A report of ledger rows: printed, as Markdown, LaTeX and CSV, and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.ledger.io import Row, replace_text
from vissl_monoimage.report.formats.csv import tables_as_csv
from vissl_monoimage.report.formats.html import render_page
from vissl_monoimage.report.formats.latex import tables_as_latex
from vissl_monoimage.report.formats.markdown import tables_as_markdown
from vissl_monoimage.report.formats.terminal import print_tables
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import build_tables


def write(rows: Sequence[Row], out: Path) -> Path:
    """Write report.html, .md, .tex and .csv into `out`, print the tables and where the page is; returns the page.

    Raises:
        MonoImageError: a folder that cannot be written.
    """
    tables = build_tables(join_probes(rows))
    page = out / "report.html"
    replace_text(page, render_page(rows))
    texts = [one for table in tables for one in text_tables(table)]
    for name, text in {
        "md": tables_as_markdown(texts),
        "tex": tables_as_latex(texts),
        "csv": tables_as_csv(tables),
    }.items():
        replace_text(out / f"report.{name}", text)
    if tables:
        print_tables(tables)
    else:
        print(f"{len(rows)} pretraining run(s), none probed yet: no per-layer table")
    print(f"page: {page}")
    return page
