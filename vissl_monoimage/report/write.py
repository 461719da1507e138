"""Writing a report of ledger rows: tables on the terminal and as Markdown, LaTeX and CSV, and a page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.claims.lessons import lessons
from vissl_monoimage.report.claims.verdicts import judge_all, verdicts_as_markdown
from vissl_monoimage.report.collect import collect
from vissl_monoimage.report.formats.csv import comparisons_as_csv, tables_as_csv
from vissl_monoimage.report.formats.html import render_page
from vissl_monoimage.report.formats.latex import tables_as_latex
from vissl_monoimage.report.formats.markdown import tables_as_markdown
from vissl_monoimage.report.formats.terminal import print_tables
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.utils.atomic_write import remove_parts, replace_text
from vissl_monoimage.utils.printable import printable

_MOST_NOTES = 10  # on the console; the page has them all


def write(rows: Sequence[Row], out: Path, skipped: Iterable[str] = ()) -> Path:
    """Write report.html, .md, .tex, .csv and comparisons.csv into `out`, print the tables, and return the page.

    The sentences on what was learned and the path of the page are printed last. Everything that is left out is named
    on the page and on stderr.

    Args:
        rows: the rows of a ledger.
        out: the folder, which is created where needed.
        skipped: sentences on what was skipped in the ledger.

    Raises:
        MonoImageError: the folder cannot be written.
    """
    report = collect(rows, skipped)
    remove_parts(out)
    page = out / "report.html"
    replace_text(page, render_page(report))
    texts = [text for table in report.tables for text in text_tables(table)]
    verdicts = verdicts_as_markdown(judge_all(report.tables))
    formats = {
        "md": tables_as_markdown(texts) + (f"\n{verdicts}\n" if verdicts else ""),
        "tex": tables_as_latex(texts),
        "csv": tables_as_csv(report.tables),
    }
    for suffix, text in formats.items():
        replace_text(out / f"report.{suffix}", text)
    replace_text(out / "comparisons.csv", comparisons_as_csv(report.tables))
    if report.tables:
        print_tables(report.tables)
    else:
        print(f"{len(rows)} run(s), none with a probe to show: no per-layer table")
    _print_missing(report.missing)
    for table in report.tables:
        for text in lessons(table):
            print(printable(f"{table.dataset}: {text}" if report.tables[1:] else text))
    print(f"page: {page}")
    return page


def _print_missing(missing: Sequence[str]) -> None:
    for note in missing[:_MOST_NOTES]:
        print(f"monoimage: {note}", file=sys.stderr)
    if rest := len(missing[_MOST_NOTES:]):
        print(f"monoimage: {rest} more of these are named at the end of the page", file=sys.stderr)
