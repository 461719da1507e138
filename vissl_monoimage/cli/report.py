"""`monoimage report`: the per-layer table of finished runs, on the terminal, in files and as a page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

EXAMPLE = """\
example:
  monoimage report runs/ -o report
"""


def add_parser(subparsers: Any) -> None:
    """Add `report` to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="per-layer table and page from the ledgers of finished runs",
        description="Reads ledgers (in folders: every ledger.jsonl below), writes report.html, .md, .tex, .csv and "
        "comparisons.csv.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a ledger file, or a folder with runs below it")
    parser.add_argument("-o", "--out", default="report", metavar="FOLDER", help="output folder (default: report)")
    parser.set_defaults(command=report_command)


def report_command(arguments: argparse.Namespace) -> int:
    """Print the tables and the path of the page, and write the files of the report."""
    write_report(arguments.paths, arguments.out)
    return 0


def write_report(paths: list[str], out: str) -> Path:
    """Write the report of all rows in `paths` into the folder `out`, and return its page.

    Raises:
        MonoImageError: no rows, an unreadable path, or a folder that cannot be written.
    """
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.ledger import io as ledger
    from vissl_monoimage.report.write import write

    skipped: list[str] = []
    rows = ledger.read(paths, skipped.append)
    if not rows:
        for note in skipped:
            print(f"monoimage: {note}", file=sys.stderr)
        raise MonoImageError(
            f"no results in {', '.join(paths)}: a run writes {ledger.FILE_NAME} into its checkpoint folder when it ends"
        )
    return write(rows, Path(out), skipped)
