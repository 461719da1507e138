"""Writing a report of ledger rows: tables on the terminal and as Markdown, LaTeX and CSV, and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.formats.csv import tables_as_csv
from vissl_monoimage.report.formats.html import render_page
from vissl_monoimage.report.formats.latex import tables_as_latex
from vissl_monoimage.report.formats.markdown import tables_as_markdown
from vissl_monoimage.report.formats.terminal import print_tables
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import build_tables
from vissl_monoimage.utils.atomic_write import replace_text


def write(rows: Sequence[Row], out: Path) -> Path:
    """Write report.html, .md, .tex and .csv into `out`, print the tables and the path of the page, and return it.

    Raises:
        MonoImageError: the folder cannot be written.
    """
    tables = build_tables(join_probes(rows))
    page = out / "report.html"
    replace_text(page, render_page(rows))
    texts = [text for table in tables for text in text_tables(table)]
    formats = {"md": tables_as_markdown(texts), "tex": tables_as_latex(texts), "csv": tables_as_csv(tables)}
    for suffix, text in formats.items():
        replace_text(out / f"report.{suffix}", text)
    if tables:
        print_tables(tables)
    else:
        print(f"{len(rows)} pretraining run(s), none probed yet: no per-layer table")
    print(f"page: {page}")
    return page
