"""`monoimage verify`: whether data, photos and weights are still those of finished runs."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vissl_monoimage.ledger.row import Row
    from vissl_monoimage.ledger.verify import Hasher

EXAMPLE = """\
examples:
  monoimage verify runs/rotnet
  monoimage verify results/table3-cifar.jsonl 5419854
  monoimage verify runs/rotnet --rerun
"""


def add_parser(subparsers: Any) -> None:
    """Add `verify` to the command line."""
    parser = subparsers.add_parser(
        "verify",
        help="check that data, photos and weights of finished runs are still the same",
        description="Hash the photos, data and weights of finished runs again and compare them with their rows of the "
        "ledger. Prints a line for each; what is not found here is not checked. The status is 1 if anything differs.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("place", metavar="FOLDER|LEDGER", type=Path, help="folder of runs, or a ledger file")
    parser.add_argument("run_id", metavar="ROW", nargs="?", help="only the row of this run_id, or what it begins with")
    parser.add_argument("--rerun", action="store_true", help="run each row's command again, and compare the results")
    parser.set_defaults(command=verify_command)


def verify_command(arguments: argparse.Namespace) -> int:
    """Print the findings of all rows, and return 1 if anything differs.

    Raises:
        MonoImageError: there is no such ledger or row, or a run fails that is repeated.
    """
    from vissl_monoimage.compat.missing_vissl import require_vissl, vissl_is_installed
    from vissl_monoimage.ledger.verify import DIFFERENT, NOT_CHECKED, SAME, verify_row
    from vissl_monoimage.utils.printable import printable

    if arguments.rerun:
        require_vissl()
    hasher = _data_hasher() if vissl_is_installed() else None
    counts: Counter[str] = Counter()
    for number, (row, folder) in enumerate(_rows(arguments.place, arguments.run_id)):
        print(printable(f"{chr(10) if number else ''}{row.run_id}: {row.name}, seed {row.seed}, {row.finished[:10]}"))
        findings = list(verify_row(row, folder, hasher))
        if arguments.rerun:
            from vissl_monoimage.reproduce.rerun import rerun

            findings += rerun(row)
        for finding in findings:
            counts[finding.state] += 1
            print(printable(f"  {finding}"))
    print(f"\n{counts[SAME]} the same, {counts[DIFFERENT]} different, {counts[NOT_CHECKED]} not checked")
    return int(counts[DIFFERENT] > 0)


def _data_hasher() -> Hasher:
    import vissl_monoimage.plugin  # noqa: F401  # registers our data sources
    from vissl_monoimage.reproduce.data_again import data_hasher

    return data_hasher


def _rows(place: Path, run_id: str | None) -> list[tuple[Row, Path]]:
    """Return the rows to check, each with the folder of its ledger."""
    from vissl_monoimage.errors import MonoImageError, unknown
    from vissl_monoimage.ledger import io as ledger

    files = sorted(place.rglob(ledger.FILE_NAME)) if place.is_dir() else [place]
    rows = [(row, file.parent) for file in files for row in ledger.read([file], ledger.print_note)]
    if not rows:
        raise MonoImageError(f"{place} has no row of a finished run ({ledger.FILE_NAME})")
    chosen = [(row, folder) for row, folder in rows if run_id is None or row.run_id.startswith(run_id)]
    if not chosen:
        raise MonoImageError(f"{place}: {unknown('run_id', str(run_id), [row.run_id for row, _ in rows])}")
    return chosen
